/**
 * The configuration file: TOML, every key optional, an unknown key an error
 * that names its line, because a slip that is silently ignored costs hours.
 * The daemon reads the same file; what is its own is left to it.
 *
 * `$CORACLE_CONFIG`, else `$XDG_CONFIG_HOME/coracle/config.toml` for an
 * ordinary user, else `/etc/coracle/config.toml`.
 */

import { invalidArgument } from "../base/errors.ts";
import { LOG_LEVELS, type LogLevel } from "../base/log.ts";
import type { ContentSharing } from "../core/records.ts";
import { mayExist } from "../sys/may_exist.ts";
import { configHome } from "./paths.ts";

export interface Config {
  /** Directory of everything that survives a reboot. */
  readonly root?: string;
  /** Directory of everything that does not. */
  readonly state?: string;
  readonly snapshotter?: string;
  /** Name or path of the OCI runtime. */
  readonly runtime?: string;
  readonly logLevel?: LogLevel;
  readonly logFormat?: "text" | "json";
  /** Whose containers share a shim; each has its own by default. */
  readonly shimGrouping?: "container" | "namespace";
  /** Set by the daemon, whose namespaces may belong to different people. */
  readonly contentSharing?: ContentSharing;
  readonly registry: {
    /** Directories of `HOST/hosts.toml`, searched in order. */
    readonly configPath?: readonly string[];
  };
  /** Of the daemon's plugin that asks programs whether to pull an image. */
  readonly imageVerifier?: Readonly<Record<string, unknown>> | "disabled";
}

type Env = (name: string) => string | undefined;

/** Where the configuration file is looked for. */
export function configPath(env: Env, uid: number): string {
  const named = namedConfig(env);
  if (named !== undefined) return named;
  if (uid === 0) return "/etc/coracle/config.toml";
  const home = configHome(env);
  return `${home}/coracle/config.toml`;
}

/** What the user says himself; undefined to look where it usually is. */
export function namedConfig(env: Env): string | undefined {
  return env("CORACLE_CONFIG") || undefined;
}

/**
 * Reads the file of this user; the empty configuration if there is none.
 * @throws {EngineError} as `loadConfig()`, and if there is none that is named
 */
export async function usualConfig(env: Env, uid: number): Promise<Config> {
  const ifAbsent = namedConfig(env) === undefined ? "empty" : "fail";
  return await loadConfig(configPath(env, uid), ifAbsent);
}

/** @throws {EngineError} `invalidArgument` with file, line and key */
export async function loadConfig(
  path: string,
  ifAbsent: "empty" | "fail",
): Promise<Config> {
  const empty: Config = { registry: {} };
  if (ifAbsent === "empty" && !mayExist(path)) return empty;
  let text: string;
  try {
    text = readText(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      throw invalidArgument(`Cannot read configuration "${path}"`, {
        cause: error,
      });
    }
    if (ifAbsent === "empty") return empty;
    throw invalidArgument(
      `Cannot read configuration "${path}": there is no such file`,
      { hint: "CORACLE_CONFIG names it; without that, the usual one is read" },
    );
  }
  if (text === "") return empty;
  const { parse } = await import("smol-toml");
  let table: Record<string, unknown>;
  try {
    table = parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalidArgument(`Cannot parse configuration "${path}": ${reason}`, {
      cause,
    });
  }
  return parseConfig(table, { path, text });
}

/** Synchronous: the first file that is read otherwise starts a thread. */
function readText(path: string): string {
  return Deno.readTextFileSync(path);
}

interface Source {
  readonly path: string;
  readonly text: string;
}

type Check = (value: unknown) => boolean;

const isString: Check = (value) => typeof value === "string";
const isStrings: Check = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === "string");
const oneOf = (...names: readonly string[]): Check => (value) =>
  names.includes(value as string);

/** Every key there is, and what it may hold. */
const KEYS: Readonly<Record<string, { check: Check; expected: string }>> = {
  root: { check: isString, expected: "a directory" },
  state: { check: isString, expected: "a directory" },
  snapshotter: { check: isString, expected: "a snapshotter's name" },
  runtime: { check: isString, expected: "a runtime's name or path" },
  log_level: { check: oneOf(...LOG_LEVELS), expected: LOG_LEVELS.join(", ") },
  log_format: { check: oneOf("text", "json"), expected: "text or json" },
  "shim.grouping": {
    check: oneOf("container", "namespace"),
    expected: "container or namespace",
  },
  "registry.config_path": {
    check: isStrings,
    expected: "a list of directories",
  },
};

/** What only the daemon reads; it is checked there. */
const DAEMON_KEYS: ReadonlySet<string> = new Set([
  ...["version", "imports", "temp", "oom_score", "cgroup", "plugin_dir"],
  ...["disabled_plugins", "required_plugins", "plugins", "proxy_plugins"],
  ...["debug", "grpc", "ttrpc", "metrics", "timeouts", "stream_processors"],
]);

function parseConfig(table: Record<string, unknown>, source: Source): Config {
  const found = new Map<string, unknown>();
  for (const [key, value] of flatten(table)) {
    if (DAEMON_KEYS.has(key)) continue;
    const rule = KEYS[key];
    if (rule === undefined) {
      throw invalidArgument(
        `Cannot use key "${key}" in ${source.path}${line(source, key)}: ` +
          "there is no such key",
        { hint: `The keys are ${Object.keys(KEYS).join(", ")}` },
      );
    }
    if (value !== "" && !rule.check(value)) {
      throw invalidArgument(
        `Cannot use ${JSON.stringify(value)} for "${key}" in ` +
          `${source.path}${line(source, key)}: expected ${rule.expected}`,
      );
    }
    // Empty is as good as absent, as in `coracle daemon config default`.
    if (value !== "") found.set(key, value);
  }
  const pick = <T>(key: string, name: string) =>
    found.has(key) ? { [name]: found.get(key) as T } : {};
  return {
    ...pick("root", "root"),
    ...pick("state", "state"),
    ...pick("snapshotter", "snapshotter"),
    ...pick("runtime", "runtime"),
    ...pick("log_level", "logLevel"),
    ...pick("log_format", "logFormat"),
    ...pick("shim.grouping", "shimGrouping"),
    registry: pick("registry.config_path", "configPath"),
    ...imageVerifierIn(table),
  } as Config;
}

const IMAGE_VERIFIER = "io.containerd.image-verifier.v1.bindir";

/** The one plugin of the daemon that commands have as well. */
function imageVerifierIn(
  { disabled_plugins: disabled, plugins }: Record<string, unknown>,
): Pick<Config, "imageVerifier"> {
  if (Array.isArray(disabled) && disabled.includes(IMAGE_VERIFIER)) {
    return { imageVerifier: "disabled" };
  }
  const options = isTable(plugins) ? plugins[IMAGE_VERIFIER] : undefined;
  return isTable(options) ? { imageVerifier: options } : {};
}

function* flatten(
  table: Record<string, unknown>,
  prefix = "",
): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(table)) {
    const key = prefix + name;
    const isWhole = KEYS[key] !== undefined || DAEMON_KEYS.has(key);
    if (isTable(value) && !isWhole) {
      yield* flatten(value, `${key}.`);
    } else {
      yield [key, value];
    }
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
}

/** ` line N`, found by the last part of the key; empty if it is nowhere. */
function line(source: Source, key: string): string {
  const last = key.slice(key.lastIndexOf(".") + 1);
  const index = source.text.split("\n").findIndex((text) =>
    text.trim().startsWith(last) || text.trim().startsWith(`"${last}"`)
  );
  return index < 0 ? "" : ` line ${index + 1}`;
}
