/** The flags of `run` and `create` that most people know. */

import { DEFAULT_NETWORK } from "../engine/run_options.ts";
import type { FlagSpec } from "./command.ts";

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
  text(
    "ipc",
    "string",
    "IPC mode: private, host, none, shareable, container:NAME",
  ),
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
  text("pid", "string", "PID namespace: host, container:NAME"),
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
