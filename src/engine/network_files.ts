/** `/etc/hostname`, `/etc/hosts` and `/etc/resolv.conf` of a container. */

import type {
  ContainerSettings,
  NameSettings,
} from "../core/container_settings.ts";
import type { Host } from "../core/host.ts";
import type { SpecMount } from "../oci/runtime_spec.ts";
import type { RunOptions } from "./run_options.ts";

const LOCALHOST = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

const NAMES = ["hostname", "hosts", "resolv.conf"] as const;

/**
 * Writes the three files; their mounts.
 * @param write writes a file, and returns its path
 */
export function networkFiles(
  options: Pick<RunOptions, "network" | "rootAccess" | "mounts" | "rare">,
  hostname: string,
  write: (name: string, text: string) => string,
  host: Host,
): readonly SpecMount[] {
  const { domainName } = options.rare ?? {};
  const texts = fileTexts({ ...options.network, hostname, domainName }, host);
  const taken = new Set(options.mounts.map(({ target }) => target));
  const access = options.rootAccess === "readonly" ? ["ro"] : [];
  return NAMES
    .filter((name) => !taken.has(`/etc/${name}`))
    .map((name) => ({
      destination: `/etc/${name}`,
      type: "bind",
      source: write(name, texts[name]()),
      options: ["rbind", "rprivate", ...access],
    }));
}

/**
 * Writes the files of a container anew that is about to start again: the
 * host's name servers may be others by now. As with docker, what was changed
 * from within is lost.
 * @param directory where they are; what the user mounted is left alone
 */
export function renewNetworkFiles(
  { hostname, network, names, asked }: ContainerSettings,
  mounts: readonly SpecMount[],
  directory: string,
  host: Host,
): void {
  if (names === undefined) return;
  const domainName = asked?.domainName;
  const texts = fileTexts(
    { ...names, mode: network, hostname, domainName },
    host,
  );
  const paths = new Set(mounts.map(({ source }) => source));
  const ours = NAMES.filter((name) => paths.has(`${directory}/${name}`));
  if (ours.length === 0) return;
  host.makeDirectory(directory);
  for (const name of ours) {
    host.writeText(`${directory}/${name}`, texts[name]());
  }
}

interface FileRequest extends NameSettings {
  /** Of the network. */
  readonly mode: string;
  readonly hostname: string;
  readonly domainName: string | undefined;
}

function fileTexts(
  request: FileRequest,
  host: Host,
): Readonly<Record<typeof NAMES[number], () => string>> {
  return {
    hostname: () => `${request.hostname}\n`,
    hosts: () => hostsFile(request, host),
    "resolv.conf": () => resolvConf(request, host),
  };
}

function hostsFile(
  { mode, hostname, domainName, extraHosts }: FileRequest,
  host: Host,
): string {
  const shared = mode === "host" ? host.readText("/etc/hosts") : undefined;
  const full = domainName === undefined
    ? hostname
    : `${hostname}.${domainName}`;
  const [short] = hostname.split(".", 1);
  const names = full === short ? full : `${full} ${short}`;
  const start = shared ?? `${LOCALHOST}127.0.1.1\t${names}\n`;
  const extra = extraHosts.map(({ name, address }) => `${address}\t${name}\n`);
  return [withNewline(start), ...extra].join("");
}

function resolvConf(network: NameSettings, host: Host): string {
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
