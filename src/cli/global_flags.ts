/** Flags of the program itself. */

import { LOG_LEVELS } from "../base/log.ts";
import type { FlagSpec } from "./command.ts";

export const GLOBAL_FLAGS: readonly FlagSpec[] = [
  {
    name: "root",
    kind: "string",
    value: "dir",
    completion: "directory",
    help: "Directory of images and snapshots (CORACLE_ROOT)",
  },
  {
    name: "state",
    kind: "string",
    value: "dir",
    completion: "directory",
    help: "Directory of what does not survive a reboot (CORACLE_STATE)",
  },
  {
    name: "namespace",
    short: "n",
    kind: "string",
    help: "Tenant whose objects to use (CONTAINERD_NAMESPACE)",
  },
  {
    name: "address",
    short: "a",
    // Most commands have an -a of their own, and docker's others.
    shortPlace: "beforeCommand",
    kind: "string",
    value: "socket",
    completion: "file",
    help: "Socket of a daemon to use (CONTAINERD_ADDRESS)",
  },
  {
    name: "snapshotter",
    kind: "string",
    help: "Snapshotter to use (CONTAINERD_SNAPSHOTTER)",
  },
  {
    name: "runtime",
    kind: "string",
    help: "OCI runtime, by name or path: runc, crun, youki, runsc",
  },
  {
    name: "log-level",
    short: "l",
    kind: "string",
    value: "level",
    choices: LOG_LEVELS,
    help: `Least important messages to show: ${LOG_LEVELS.join(", ")}`,
  },
  {
    name: "log-format",
    kind: "string",
    value: "format",
    choices: ["text", "json"],
    help: "How to write log messages: text, json",
  },
  {
    name: "debug",
    short: "D",
    kind: "boolean",
    help: "Show debug messages, and the causes of errors",
  },
];

export const HELP_FLAG: FlagSpec = {
  name: "help",
  short: "h",
  kind: "boolean",
  help: "Show this help",
};

export const VERSION_FLAG: FlagSpec = {
  name: "version",
  short: "v",
  kind: "boolean",
  help: "Show the version",
};
