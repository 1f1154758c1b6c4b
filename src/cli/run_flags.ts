/** The flags of `run` and `create`, and what they say. */

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
import {
  parseMount,
  parseTmpfs,
  parseVolume,
} from "../engine/options/mounts.ts";
import {
  parseDnsServer,
  parseExtraHost,
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
  type RunMount,
  type RunOptions,
} from "../engine/run_options.ts";
import { parseCapability } from "../oci/spec/capabilities.ts";
import type { Flags, FlagSpec } from "./command.ts";

export const list = (
  name: string,
  value: string,
  help: string,
  short?: string,
): FlagSpec => ({
  name,
  kind: "list",
  value,
  help,
  ...short === undefined ? {} : { short },
});
export const text = (
  name: string,
  value: string,
  help: string,
  short?: string,
): FlagSpec => ({
  name,
  kind: "string",
  value,
  help,
  ...short === undefined ? {} : { short },
});
const flag = (name: string, help: string, short?: string): FlagSpec => ({
  name,
  kind: "boolean",
  help,
  ...short === undefined ? {} : { short },
});
export const whole = (name: string, help: string): FlagSpec => ({
  name,
  kind: "number",
  shape: "integer",
  value: "int",
  help,
});

/** Docker's names and meanings. */
export const CREATE_FLAGS: readonly FlagSpec[] = [
  list("add-host", "host:ip", "Add a line to /etc/hosts"),
  list("annotation", "map", "Add an annotation to the OCI spec"),
  list("cap-add", "list", "Add Linux capabilities"),
  list("cap-drop", "list", "Drop Linux capabilities"),
  text("cgroup-parent", "string", "Parent cgroup of the container's own"),
  text("cgroupns", "string", "Cgroup namespace: host, private"),
  {
    ...text("cidfile", "file", "Write the container ID to a file"),
    completion: "file",
  },
  whole("cpu-period", "Limit CPU CFS period, microseconds"),
  whole("cpu-quota", "Limit CPU CFS quota, microseconds"),
  { ...whole("cpu-shares", "CPU shares (relative weight)"), short: "c" },
  text("cpus", "decimal", "Number of CPUs"),
  text("cpuset-cpus", "string", "CPUs in which to allow execution (0-3, 0,1)"),
  text("cpuset-mems", "string", "MEMs in which to allow execution (0-3, 0,1)"),
  list("device", "list", "Add a host device to the container"),
  list("dns", "list", "Set DNS servers"),
  list("dns-option", "list", "Set DNS options"),
  list("dns-search", "list", "Set DNS search domains"),
  text("entrypoint", "string", "Overwrite the image's entrypoint"),
  list("env", "list", "Set environment variables", "e"),
  {
    ...list("env-file", "file", "Read environment variables from a file"),
    completion: "file",
  },
  list("group-add", "list", "Add groups to join, by name or number"),
  text("health-cmd", "string", "Command to run to check health"),
  text("health-interval", "duration", "Time between checks (default 30s)"),
  whole("health-retries", "Failures in a row until it is unhealthy"),
  text(
    "health-start-interval",
    "duration",
    "Time between checks during the start period (default 5s)",
  ),
  text("health-start-period", "duration", "Time in which failures don't count"),
  text("health-timeout", "duration", "Time one check may take (default 30s)"),
  text("hostname", "string", "Container host name", "h"),
  flag("init", "Run an init that forwards signals and reaps processes"),
  flag("interactive", "Keep STDIN open", "i"),
  text("ipc", "string", "IPC mode: private, host"),
  list("label", "list", "Set metadata on the container", "l"),
  {
    ...list("label-file", "file", "Read labels from a file"),
    completion: "file",
  },
  text("log-driver", "string", "Log driver: json-file, local, none, journald"),
  list("log-opt", "list", "Log driver options, for instance max-size=10m"),
  text("memory", "bytes", "Memory limit", "m"),
  text("memory-reservation", "bytes", "Memory soft limit"),
  text("memory-swap", "bytes", "Memory plus swap limit; -1 for unlimited swap"),
  list("mount", "mount", "Attach a file system mount"),
  text("name", "string", "Assign a name to the container"),
  {
    ...text(
      "network",
      "string",
      `Network: none, host (default "${DEFAULT_NETWORK}": there is no bridge yet)`,
    ),
    completion: ["none", "host"],
  },
  { ...text("net", "string", "Same as --network"), hidden: true },
  flag("no-healthcheck", "Ignore the image's health check"),
  whole("oom-score-adj", "Tune the host's OOM preferences (-1000 to 1000)"),
  text("pid", "string", "PID namespace: host"),
  whole("pids-limit", "Limit the number of processes; -1 for unlimited"),
  text("platform", "string", "Platform of the image, as os/arch[/variant]"),
  flag("privileged", "Give all the privileges that this process has"),
  {
    name: "pull",
    kind: "string",
    default: "missing",
    choices: ["always", "missing", "never"],
    help: "Pull image before running: always, missing, never",
  },
  flag("quiet", "Don't show the progress of a pull", "q"),
  flag("read-only", "Mount the root file system as read-only"),
  text(
    "restart",
    "string",
    "When to start it again: no, always, on-failure[:N], unless-stopped",
  ),
  flag("rm", "Remove the container and its volumes when it exits"),
  {
    name: "rootfs",
    kind: "boolean",
    help: "The first argument is a directory to use instead of an image",
  },
  text(
    "runtime",
    "string",
    "OCI runtime, by name or path: runc, crun, youki, runsc",
  ),
  list("security-opt", "list", "Security options"),
  text("shm-size", "bytes", "Size of /dev/shm"),
  text("stop-signal", "string", "Signal to stop the container"),
  whole("stop-timeout", "Seconds to wait before killing it on stop"),
  list("sysctl", "map", "Set namespaced kernel parameters"),
  list("tmpfs", "list", "Mount a tmpfs directory"),
  flag("tty", "Allocate a pseudo-TTY", "t"),
  list("ulimit", "ulimit", "Limit resources of processes"),
  text("user", "string", "Name or UID, with an optional :group", "u"),
  text("uts", "string", "UTS namespace: host"),
  list("volume", "list", "Bind mount a directory, or use a volume", "v"),
  text("workdir", "string", "Working directory inside the container", "w"),
];

export const RUN_FLAGS: readonly FlagSpec[] = [
  ...CREATE_FLAGS,
  flag("detach", "Run it in the background and print its ID", "d"),
];

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
    mounts: mounts(flags, context),
    ...optional("shmSizeBytes", bytes(flags, "shm-size")),
    rootAccess: flags.boolean("read-only") ? "readonly" : "writable",
    network: network(flags),
    namespaces: {
      ipc: parseSharing("ipc", flags.string("ipc") ?? ""),
      pid: parseSharing("pid", flags.string("pid") ?? ""),
      uts: parseSharing("uts", flags.string("uts") ?? ""),
      cgroup: flags.given("cgroupns")
        ? parseSharing("cgroupns", flags.string("cgroupns") ?? "")
        : "default",
    },
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
): readonly RunMount[] {
  return [
    // As docker has it, the same said twice is no second one.
    ...new Set(flags.list("volume")).values()
      .map((volume) => parseVolume(volume, cwd)),
    ...flags.list("mount").map((mount) => parseMount(mount, cwd)),
    ...flags.list("tmpfs").map((tmpfs) => parseTmpfs(tmpfs)),
  ];
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
