/**
 * Which hosts stand for the domain of a reference, in the order in which they
 * are asked: those of a hosts.toml, or the domain itself.
 */

import { DEFAULT_DOMAIN } from "../../base/reference.ts";
import type { Trust } from "./deps.ts";
import {
  type HostsPlace,
  readCertificates,
  readHostsFile,
} from "./hosts_file.ts";

export type Capability = "resolve" | "pull" | "push";
export const CAPABILITIES: readonly Capability[] = ["resolve", "pull", "push"];

export interface KeyPair {
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
}

export interface TlsOptions {
  /** Paths of PEM files, trusted besides the system's. */
  readonly authorities: readonly string[];
  readonly client?: KeyPair;
  readonly certificates: "verify" | "skipVerify";
}

export interface RegistryHost {
  /** Root of the API, without a slash at its end: `https://quay.io/v2`. */
  readonly base: URL;
  /** Tried where `base` turns out not to speak its scheme. */
  readonly alternative?: URL;
  readonly capabilities: ReadonlySet<Capability>;
  readonly tls: TlsOptions;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly dialTimeoutMs?: number;
  /** Domain that this host mirrors; absent if it is the registry itself. */
  readonly mirrorOf?: string;
  /** The file that names it, or "built-in default". */
  readonly source: string;
}

export const BUILT_IN = "built-in default";

export interface HostSources {
  /** Directories of `HOST/hosts.toml`; the first that knows a host wins. */
  readonly configDirs: readonly string[];
  /** For the domain itself. */
  readonly trust: Trust;
  /** Hears of what is ignored in a file. */
  readonly warn: (message: string) => void;
}

/**
 * @param domain of a reference, with its port if any
 * @throws {EngineError} `invalidArgument` for a file that cannot be read
 */
export async function findHosts(
  domain: string,
  { configDirs, trust, warn }: HostSources,
): Promise<readonly RegistryHost[]> {
  const fallback = defaultHost(domain, trust);
  for (const dir of configDirs) {
    for (const name of directoryNames(domain)) {
      const found = await readDirectory(
        { dir: `${dir}/${name}`, domain, warn },
        fallback,
      );
      if (found !== undefined) return found;
    }
  }
  return [fallback];
}

/** As containerd looks them up: `host_5000_`, `host:5000`, `_default`. */
function directoryNames(domain: string): readonly string[] {
  const port = /^(.*):(\d+)$/.exec(domain);
  const escaped = port === null ? [] : [`${port[1]}_${port[2]}_`];
  return [...escaped, domain, "_default"];
}

async function readDirectory(
  at: HostsPlace,
  fallback: RegistryHost,
): Promise<readonly RegistryHost[] | undefined> {
  const { dir } = at;
  if (!await isDirectory(dir)) return undefined;
  const hosts = await readHostsFile(at, fallback);
  if (hosts !== undefined) return hosts;
  const tls = await readCertificates(dir);
  return tls === undefined
    ? [fallback]
    : [{ ...fallback, tls: { ...fallback.tls, ...tls }, source: dir }];
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}

/** The registry of a domain as no file says otherwise. */
export function defaultHost(domain: string, trust: Trust): RegistryHost {
  const host = domain === DEFAULT_DOMAIN ? "registry-1.docker.io" : domain;
  const https = new URL(`https://${host}/v2`);
  const http = new URL(`http://${host}/v2`);
  const common = {
    capabilities: new Set(CAPABILITIES),
    headers: [],
    source: BUILT_IN,
  };
  const verified = { authorities: [], certificates: "verify" } as const;
  const unverified = { authorities: [], certificates: "skipVerify" } as const;
  switch (trust) {
    case "plainHttp":
      return { ...common, base: http, tls: verified };
    case "skipVerify":
      return { ...common, base: https, alternative: http, tls: unverified };
    case "verify":
      return isLoopback(https.hostname)
        ? { ...common, base: http, alternative: https, tls: verified }
        : { ...common, base: https, tls: verified };
    default:
      return trust satisfies never;
  }
}

/** @param hostname of a URL: IPv6 in brackets */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
