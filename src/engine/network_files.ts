/** `/etc/hostname`, `/etc/hosts` and `/etc/resolv.conf` of a container. */

import type { Host } from "../core/host.ts";
import type { SpecMount } from "../oci/runtime_spec.ts";
import type { NetworkOptions, RunOptions } from "./run_options.ts";

const LOCALHOST = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

/**
 * Writes the three files; their mounts.
 * @param write writes a file, and returns its path
 */
export function networkFiles(
  options: Pick<RunOptions, "network" | "rootAccess" | "mounts">,
  hostname: string,
  write: (name: string, text: string) => string,
  host: Host,
): readonly SpecMount[] {
  const { network } = options;
  const files: readonly (readonly [string, string])[] = [
    ["hostname", `${hostname}\n`],
    ["hosts", hostsFile(network, hostname, host)],
    ["resolv.conf", resolvConf(network, host)],
  ];
  const taken = new Set(options.mounts.map(({ target }) => target));
  const access = options.rootAccess === "readonly" ? ["ro"] : [];
  return files
    .filter(([name]) => !taken.has(`/etc/${name}`))
    .map(([name, text]) => ({
      destination: `/etc/${name}`,
      type: "bind",
      source: write(name, text),
      options: ["rbind", "rprivate", ...access],
    }));
}

function hostsFile(
  network: NetworkOptions,
  hostname: string,
  host: Host,
): string {
  const shared = network.mode === "host"
    ? host.readText("/etc/hosts")
    : undefined;
  const start = shared ?? `${LOCALHOST}127.0.1.1\t${hostname}\n`;
  const extra = network.extraHosts.map(({ name, address }) =>
    `${address}\t${name}\n`
  );
  return [withNewline(start), ...extra].join("");
}

function resolvConf(network: NetworkOptions, host: Host): string {
  const lines = (host.readText("/etc/resolv.conf") ?? "").split("\n");
  const asked: Readonly<Record<string, readonly string[]>> = {
    nameserver: network.dns,
    search: network.dnsSearch,
    options: network.dnsOptions,
  };
  const kept = lines.filter((line) => {
    const [keyword = ""] = line.trim().split(/\s+/);
    // `domain` is the older form of `search`; the last of both counts.
    const key = keyword === "domain" ? "search" : keyword;
    return (asked[key] ?? []).length === 0;
  });
  const added = [
    ...network.dns.map((address) => `nameserver ${address}`),
    // A lone dot asks for no search list at all.
    ...list("search", network.dnsSearch.filter((name) => name !== ".")),
    ...list("options", network.dnsOptions),
  ];
  return withNewline(
    [...kept.filter((line) => line !== ""), ...added].join("\n"),
  );
}

function list(keyword: string, words: readonly string[]): readonly string[] {
  return words.length === 0 ? [] : [`${keyword} ${words.join(" ")}`];
}

function withNewline(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
