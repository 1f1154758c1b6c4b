/**
 * One directory of `certs.d`: `hosts.toml` as containerd reads it, or bare
 * certificates as docker does (`*.crt`, `*.cert` with `*.key`).
 *
 * A value that can't be is an error with file and line. Of an unknown key users
 * are told only, as the file may be for a later containerd: that ignores them.
 *
 * @see containerd, docs/hosts.md
 */

import { EngineError, invalidArgument } from "../../base/errors.ts";
import {
  CAPABILITIES,
  type Capability,
  type KeyPair,
  type RegistryHost,
  type TlsOptions,
} from "./hosts.ts";

type Table = Readonly<Record<string, unknown>>;

export interface HostsPlace {
  /** With the file in it. */
  readonly dir: string;
  readonly domain: string;
  /** Hears of what is ignored. */
  readonly warn: (message: string) => void;
}

interface Source extends HostsPlace {
  readonly path: string;
  readonly text: string;
}

const HOST_KEYS: readonly string[] = [
  "capabilities",
  "ca",
  "client",
  "skip_verify",
  "header",
  "override_path",
  "dial_timeout",
];
const ROOT_KEYS: readonly string[] = ["server", "host", ...HOST_KEYS];

/**
 * The hosts of `dir`/hosts.toml, the registry itself last; undefined if there
 * is no such file.
 *
 * @param fallback the registry where the file names no `server`
 * @throws {EngineError} `invalidArgument` with file and line
 */
export async function readHostsFile(
  at: HostsPlace,
  fallback: RegistryHost,
): Promise<readonly RegistryHost[] | undefined> {
  const path = `${at.dir}/hosts.toml`;
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const source = { ...at, path, text };
  const table = await parseToml(source);
  checkKeys(source, table, ROOT_KEYS, []);
  const mirrors = Object.entries(asTable(source, table["host"] ?? {}, ["host"]))
    .map(([name, value]) => {
      const at = ["host", name];
      const options = asTable(source, value, at);
      checkKeys(source, options, HOST_KEYS, at);
      const base = apiRoot(source, name, options, at);
      return toHost(source, options, at, { base });
    });
  return [...mirrors, serverHost(source, table, fallback)];
}

function serverHost(
  source: Source,
  table: Table,
  fallback: RegistryHost,
): RegistryHost {
  const server = table["server"];
  if (server === undefined || server === "") {
    return { ...toHost(source, table, [], fallback), base: fallback.base };
  }
  if (typeof server !== "string") {
    throw wrong(source, ["server"], server, "a URL");
  }
  const base = apiRoot(source, server, table, []);
  return toHost(source, table, [], { base });
}

function toHost(
  source: Source,
  options: Table,
  at: readonly string[],
  place: Pick<RegistryHost, "base" | "alternative">,
): RegistryHost {
  const own = source.domain === "docker.io"
    ? "registry-1.docker.io"
    : source.domain;
  const dialTimeoutMs = duration(source, options["dial_timeout"], at);
  return {
    base: place.base,
    ...(place.alternative === undefined
      ? {}
      : { alternative: place.alternative }),
    capabilities: capabilities(source, options["capabilities"], at),
    tls: {
      authorities: paths(source, options["ca"], [...at, "ca"]),
      certificates: flag(source, options, at, "skip_verify")
        ? "skipVerify"
        : "verify",
      ...client(source, options["client"], [...at, "client"]),
    },
    headers: headers(source, options["header"] ?? {}, [...at, "header"]),
    ...(dialTimeoutMs === undefined ? {} : { dialTimeoutMs }),
    ...(place.base.host === own ? {} : { mirrorOf: source.domain }),
    source: source.path,
  };
}

function apiRoot(
  source: Source,
  text: string,
  options: Table,
  at: readonly string[],
): URL {
  const full = /^https?:\/\//.test(text) ? text : `https://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url === undefined || url.username !== "" || url.search !== "") {
    throw wrong(source, at.length > 0 ? at : ["server"], text, "a URL");
  }
  const path = url.pathname.replace(/\/+$/, "");
  const isWhole = flag(source, options, at, "override_path");
  url.pathname = isWhole || path.endsWith("/v2") ? path : `${path}/v2`;
  return url;
}

function capabilities(
  source: Source,
  value: unknown,
  at: readonly string[],
): ReadonlySet<Capability> {
  if (value === undefined) return new Set(CAPABILITIES);
  const known = (item: unknown): item is Capability =>
    (CAPABILITIES as readonly unknown[]).includes(item);
  if (Array.isArray(value) && value.every(known)) return new Set(value);
  const path = [...at, "capabilities"];
  throw wrong(source, path, value, `a list of ${CAPABILITIES.join(", ")}`);
}

function flag(
  source: Source,
  options: Table,
  at: readonly string[],
  name: string,
): boolean {
  const value = options[name] ?? false;
  if (typeof value === "boolean") return value;
  throw wrong(source, [...at, name], value, "true or false");
}

/** One path or a list, relative to the directory. */
function paths(
  source: Source,
  value: unknown,
  at: readonly string[],
): readonly string[] {
  const list = value === undefined
    ? []
    : Array.isArray(value)
    ? value
    : [value];
  return list.map((item: unknown) => {
    if (typeof item === "string") return absolute(source.dir, item);
    throw wrong(source, at, item, "a path");
  });
}

/** One file with both, a list of such, or a list of [certificate, key]. */
function client(
  source: Source,
  value: unknown,
  at: readonly string[],
): { client?: KeyPair } {
  if (value === undefined) return {};
  const first = Array.isArray(value) ? value[0] : value;
  const [certificate, key] = paths(source, first, at);
  if (certificate === undefined) {
    throw wrong(source, at, value, "a path or a pair of paths");
  }
  return { client: { certificate, key: key ?? certificate } };
}

function headers(
  source: Source,
  value: unknown,
  at: readonly string[],
): readonly (readonly [string, string])[] {
  return Object.entries(asTable(source, value, at)).flatMap(([name, item]) => {
    const list: unknown[] = Array.isArray(item) ? item : [item];
    return list.map((one) => {
      if (typeof one === "string") return [name, one] as const;
      throw wrong(source, [...at, name], one, "a string");
    });
  });
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
};

function duration(
  source: Source,
  value: unknown,
  at: readonly string[],
): number | undefined {
  if (value === undefined) return undefined;
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m)$/
    .exec(String(value)) ?? [];
  const factor = UNITS_MS[unit];
  if (number !== undefined && factor !== undefined) return +number * factor;
  throw wrong(source, [...at, "dial_timeout"], value, `a time such as "5s"`);
}

/** The certificates of a directory without a hosts.toml, if it has any. */
export async function readCertificates(
  dir: string,
): Promise<Pick<TlsOptions, "authorities" | "client"> | undefined> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(dir)) names.push(entry.name);
  names.sort();
  const authorities = names.filter((name) => name.endsWith(".crt"))
    .map((name) => `${dir}/${name}`);
  const certificate = names.find((name) => name.endsWith(".cert"));
  if (certificate === undefined) {
    return authorities.length === 0 ? undefined : { authorities };
  }
  const key = certificate.replace(/\.cert$/, ".key");
  if (!names.includes(key)) {
    throw invalidArgument(
      `Cannot use client certificate "${dir}/${certificate}": its key is missing`,
      { hint: `Put the key into ${dir}/${key}` },
    );
  }
  return {
    authorities,
    client: { certificate: `${dir}/${certificate}`, key: `${dir}/${key}` },
  };
}

async function parseToml(source: Source): Promise<Table> {
  const { parse } = await import("smol-toml");
  try {
    return parse(source.text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalidArgument(`Cannot parse "${source.path}": ${reason}`, {
      cause,
    });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new EngineError("invalidArgument", `Cannot read "${path}"`, {
      cause,
    });
  }
}

function checkKeys(
  source: Source,
  table: Table,
  known: readonly string[],
  at: readonly string[],
): void {
  for (const key of Object.keys(table)) {
    if (known.includes(key)) continue;
    source.warn(
      `Ignored key "${key}" in ${place(source, [...at, key])}: ` +
        `the keys here are ${known.join(", ")}`,
    );
  }
}

function asTable(
  source: Source,
  value: unknown,
  at: readonly string[],
): Table {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Table;
  }
  throw wrong(source, at, value, "a table");
}

function wrong(
  source: Source,
  at: readonly string[],
  value: unknown,
  expected: string,
): EngineError {
  return invalidArgument(
    `Cannot use ${JSON.stringify(value)} for "${at.at(-1)}" in ` +
      `${place(source, at)}: expected ${expected}`,
  );
}

/** `FILE line N`: the last part of the key, below the parts before it. */
function place({ path, text }: Source, at: readonly string[]): string {
  const lines = text.split("\n");
  let line = 0;
  let found = -1;
  for (const part of at) {
    const next = lines.findIndex((each, index) =>
      index >= line && each.includes(part)
    );
    if (next >= 0) found = line = next;
  }
  return found < 0 ? path : `${path} line ${found + 1}`;
}

function absolute(dir: string, path: string): string {
  return path.startsWith("/") ? path : `${dir}/${path}`;
}
