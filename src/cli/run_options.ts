/** What the flags of `run` and `create` say. */

import {
  checkLogSettings,
  DEFAULT_LOG_DRIVER,
} from "../base/container_log/settings.ts";
import { invalidArgument } from "../base/errors.ts";
import { parseBytes } from "../base/units.ts";
import { parseDevice } from "../engine/options/devices.ts";
import {
  entriesOfFile,
  parseEnv,
  parseEnvFile,
} from "../engine/options/environment.ts";
import { parseHealth } from "../engine/options/health.ts";
import { parseResources, parseUlimit } from "../engine/options/limits.ts";
import { parseMount } from "../engine/options/mount_fields.ts";
import { parseTmpfs, parseVolume } from "../engine/options/mounts.ts";
import {
  otherContainer,
  parseDnsServer,
  parseExtraHost,
  parseIpc,
  parseNetworkMode,
  parseSharing,
  parseSignal,
} from "../engine/options/names.ts";
import { parsePairs, parseSysctls } from "../engine/options/pairs.ts";
import { parseRestartPolicy } from "../engine/options/restart.ts";
import { parseSecurityOptions } from "../engine/options/security.ts";
import {
  DEFAULT_NETWORK,
  type NetworkOptions,
  type PullPolicy,
  type RunOptions,
} from "../engine/run_options.ts";
import { parseCapability } from "../oci/spec/capabilities.ts";
import type { Flags } from "./command.ts";
import { typedWords } from "./typed_words.ts";

/** What flags mean depends on where they are typed. */
export interface RunFlagContext {
  readonly env: (name: string) => string | undefined;
  readonly cwd: string;
  /** @throws {EngineError} if it can't be read */
  readonly readText: (path: string) => string;
}

/**
 * @param args image and command
 * @throws {EngineError} `invalidArgument`, in docker's words where it has some
 */
export function parseRunOptions(
  flags: Flags,
  args: readonly string[],
  context: RunFlagContext,
): RunOptions {
  const [image = "", ...command] = args;
  const tty = flags.boolean("tty");
  return {
    source: source(flags, image, context),
    command,
    ...entrypoint(flags),
    ...optional("name", flags.string("name")),
    ...optional("hostname", flags.string("hostname") || undefined),
    removal: flags.boolean("rm") ? "onExit" : "keep",
    stdin: flags.boolean("interactive") ? "open" : "closed",
    attached: attached(flags),
    stdio: tty ? "terminal" : "streams",
    env: environment(flags, context),
    ...optional("user", flags.string("user")),
    groupAdd: flags.list("group-add"),
    ...optional("workdir", flags.string("workdir")),
    ...mounts(flags, context),
    ...optional("shmSizeBytes", bytes(flags, "shm-size")),
    rootAccess: flags.boolean("read-only") ? "readonly" : "writable",
    network: network(flags),
    ...namespaces(flags),
    ...security(flags),
    resources: resources(flags),
    devices: flags.list("device").map((device) => parseDevice(device)),
    rlimits: flags.list("ulimit").map((ulimit) => parseUlimit(ulimit)),
    sysctls: parseSysctls(flags.list("sysctl")),
    ...optional("oomScoreAdj", oomScoreAdj(flags)),
    init: flags.boolean("init") ? "host" : "none",
    labels: labels(flags, context),
    annotations: parsePairs("annotation", flags.list("annotation")),
    ...optional("stopSignal", stopSignal(flags)),
    ...optional("stopTimeoutSeconds", flags.number("stop-timeout")),
    restart: parseRestartPolicy(flags.string("restart") ?? ""),
    log: logging(flags),
    health: health(flags),
    ...optional("cgroupParent", cgroupParent(flags)),
    ...optional("runtime", flags.string("runtime")),
  };
}

/** Those of `--attach`, or else all that there is to see; input with `-i`. */
function attached(flags: Flags): RunOptions["attached"] {
  if (flags.declares("detach") && flags.boolean("detach")) return [];
  const texts = flags.declares("attach") ? flags.list("attach") : [];
  const asked = texts.length === 0
    ? ["stdout", "stderr"]
    : texts.map((text) => text.toLowerCase());
  const all = flags.boolean("interactive") ? ["stdin", ...asked] : asked;
  return STREAMS.filter((stream) => all.includes(stream));
}

const STREAMS = ["stdin", "stdout", "stderr"] as const;

/** A property that is absent rather than undefined. */
function optional<const K extends string, T>(
  key: K,
  value: T | undefined,
): Partial<Record<K, T>> {
  return (value === undefined ? {} : { [key]: value }) as Partial<Record<K, T>>;
}

/** Of other containers' ones the rest is settled when there is a store. */
function namespaces(flags: Flags): Pick<RunOptions, "namespaces" | "rare"> {
  const pid = flags.string("pid") ?? "";
  const ipc = flags.string("ipc") ?? "";
  const joins = {
    ...optional("pid", otherContainer(pid)),
    ...optional("ipc", otherContainer(ipc)),
  };
  const rare = {
    ...joins.pid === undefined && joins.ipc === undefined ? {} : { joins },
    ...ipc === "shareable" ? { shareable: { shmBytes: 0 } } : {},
  };
  return {
    namespaces: {
      ipc: joins.ipc === undefined ? parseIpc(ipc) : "private",
      pid: joins.pid === undefined ? parseSharing("pid", pid) : "private",
      uts: parseSharing("uts", flags.string("uts") ?? ""),
      cgroup: flags.given("cgroupns")
        ? parseSharing("cgroupns", flags.string("cgroupns") ?? "")
        : "default",
    },
    ...Object.keys(rare).length === 0 ? {} : { rare },
  };
}

function logging(flags: Flags): RunOptions["log"] {
  const settings = {
    driver: flags.string("log-driver") || DEFAULT_LOG_DRIVER,
    options: parsePairs("log-opt", flags.list("log-opt")),
  };
  checkLogSettings(settings);
  return settings;
}

function health(flags: Flags): RunOptions["health"] {
  return parseHealth({
    command: flags.string("health-cmd"),
    interval: flags.string("health-interval"),
    timeout: flags.string("health-timeout"),
    startPeriod: flags.string("health-start-period"),
    startInterval: flags.string("health-start-interval"),
    retries: flags.number("health-retries"),
    disable: flags.boolean("no-healthcheck") ? "yes" : "no",
  });
}

/** Always absolute: below our own cgroup is no place for it. */
function cgroupParent(flags: Flags): string | undefined {
  const parent = flags.string("cgroup-parent");
  if (parent === undefined || parent === "") return undefined;
  if (parent.split("/").includes("..")) {
    throw invalidArgument(`Cannot use cgroup parent "${parent}"`, {
      hint: "Give a path without ..",
    });
  }
  return `/${parent.replaceAll(/^\/+|\/+$/g, "")}`;
}

function source(
  flags: Flags,
  image: string,
  { cwd }: RunFlagContext,
): RunOptions["source"] {
  if (flags.boolean("rootfs")) {
    return {
      kind: "rootfs",
      path: image.startsWith("/") ? image : `${cwd}/${image}`,
    };
  }
  return {
    kind: "image",
    reference: image,
    pull: (flags.string("pull") ?? "missing") as PullPolicy,
    ...optional("platform", flags.string("platform")),
  };
}

function stopSignal(flags: Flags): string | undefined {
  const text = flags.string("stop-signal");
  return text === undefined ? undefined : parseSignal(text);
}

/** An empty one clears the image's. */
function entrypoint(flags: Flags): Pick<RunOptions, "entrypoint"> {
  const program = flags.string("entrypoint");
  if (program === undefined) return {};
  return { entrypoint: program === "" ? [] : [program] };
}

function environment(
  flags: Flags,
  { env, readText }: RunFlagContext,
): readonly string[] {
  const fromFiles = flags.list("env-file").flatMap((path) =>
    parseEnvFile(path, readText(path), env)
  );
  const given = flags.list("env").map((entry) => parseEnv(entry, env));
  return [...fromFiles, ...given];
}

/** What is typed wins; a name without a value has an empty one in files, too. */
function labels(
  flags: Flags,
  { readText }: RunFlagContext,
): RunOptions["labels"] {
  const fromFiles = flags.list("label-file").flatMap((path) =>
    entriesOfFile("label", path, readText(path))
  );
  return parsePairs("label", [...fromFiles, ...flags.list("label")]);
}

function mounts(
  flags: Flags,
  { cwd }: RunFlagContext,
): Pick<RunOptions, "mounts" | "typed"> {
  const own = flags.list("mount").map((mount) => parseMount(mount, cwd));
  return {
    mounts: [
      // As docker has it, the same said twice is no second one.
      ...new Set(flags.list("volume")).values()
        .map((volume) => parseVolume(volume, cwd)),
      ...own,
      ...flags.list("tmpfs").map((tmpfs) => parseTmpfs(tmpfs)),
    ],
    typed: typedWords(flags, own, cwd),
  };
}

function network(flags: Flags): NetworkOptions {
  const chosen = flags.string("network") ?? flags.string("net");
  return {
    mode: chosen === undefined ? DEFAULT_NETWORK : parseNetworkMode(chosen),
    chosen: chosen !== undefined,
    dns: flags.list("dns").map((address) => parseDnsServer(address)),
    dnsSearch: flags.list("dns-search"),
    dnsOptions: flags.list("dns-option"),
    extraHosts: flags.list("add-host").map((entry) => parseExtraHost(entry)),
  };
}

function security(
  flags: Flags,
): Pick<RunOptions, "confinement" | "capabilities" | "security"> {
  return {
    confinement: flags.boolean("privileged") ? "privileged" : "confined",
    capabilities: {
      add: capabilities(flags.list("cap-add")),
      drop: capabilities(flags.list("cap-drop")),
    },
    security: parseSecurityOptions(flags.list("security-opt")),
  };
}

function capabilities(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => text.split(","))
    .map((name) => parseCapability(name));
}

export function resources(flags: Flags): RunOptions["resources"] {
  return parseResources({
    memory: flags.string("memory"),
    memorySwap: flags.string("memory-swap"),
    memoryReservation: flags.string("memory-reservation"),
    cpus: flags.string("cpus"),
    cpuShares: flags.number("cpu-shares"),
    cpuPeriod: flags.number("cpu-period"),
    cpuQuota: flags.number("cpu-quota"),
    cpusetCpus: flags.string("cpuset-cpus"),
    cpusetMems: flags.string("cpuset-mems"),
    pidsLimit: flags.number("pids-limit"),
  });
}

function bytes(flags: Flags, name: string): number | undefined {
  const text = flags.string(name);
  return text === undefined ? undefined : parseBytes(`--${name}`, text);
}

function oomScoreAdj(flags: Flags): number | undefined {
  const value = flags.number("oom-score-adj");
  if (value !== undefined && Math.abs(value) > 1000) {
    throw invalidArgument(
      `Invalid value ${value}, range for oom score adj is [-1000, 1000]`,
    );
  }
  return value;
}
