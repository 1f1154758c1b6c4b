/** Commands on what runs in containers: exec, attach, top, … */

import type { CommandSpec } from "./command.ts";
import { LOGS } from "./table_logs.ts";
import { FORMAT, NO_TRUNC } from "./table_flags.ts";

export const EXEC: CommandSpec = {
  name: "exec",
  summary: "Run a command in a running container",
  usage: "CONTAINER COMMAND [ARG...]",
  args: { min: 2 },
  flagOrder: "first",
  completion: "container",
  flags: [
    {
      name: "interactive",
      short: "i",
      kind: "boolean",
      help: "Give it our standard input",
    },
    { name: "tty", short: "t", kind: "boolean", help: "Give it a terminal" },
    {
      name: "detach",
      short: "d",
      kind: "boolean",
      help: "Leave it running, without streams",
    },
    {
      name: "env",
      short: "e",
      kind: "list",
      value: "NAME=value",
      help: "Set an environment variable",
    },
    {
      name: "env-file",
      kind: "list",
      value: "file",
      help: "Read environment variables from a file",
    },
    {
      name: "user",
      short: "u",
      kind: "string",
      value: "user[:group]",
      help: "Run as this user",
    },
    {
      name: "workdir",
      short: "w",
      kind: "string",
      value: "directory",
      help: "Run in this directory",
    },
    {
      name: "privileged",
      kind: "boolean",
      help: "Give it all the capabilities that we have",
    },
  ],
  loadRareFlags: async () =>
    (await import("./attach_flags.ts")).RARE_EXEC_FLAGS,
  load: () => import("./commands/exec.ts"),
};

export const ATTACH: CommandSpec = {
  name: "attach",
  summary: "Connect our streams with those of a running container",
  usage: "CONTAINER",
  args: { min: 1, max: 1 },
  completion: "container",
  loadFlags: async () => (await import("./attach_flags.ts")).ATTACH_FLAGS,
  load: () => import("./commands/attach.ts"),
};

export const TOP: CommandSpec = {
  name: "top",
  summary: "Show the processes of a running container",
  usage: "CONTAINER [PS OPTIONS]",
  args: { min: 1 },
  flagOrder: "first",
  completion: "container",
  load: () => import("./commands/top.ts"),
};

export const STATS: CommandSpec = {
  name: "stats",
  summary: "Show what containers use",
  usage: "[CONTAINER...]",
  completion: "container",
  flags: [
    {
      name: "all",
      short: "a",
      kind: "boolean",
      help: "Show all containers, not only running ones",
    },
    {
      name: "no-stream",
      kind: "boolean",
      help: "Show it once and end",
    },
    FORMAT,
    NO_TRUNC,
  ],
  load: () => import("./commands/stats.ts"),
};

export const PORT: CommandSpec = {
  name: "port",
  summary: "Show the ports that a container has on the host",
  usage: "CONTAINER [PORT[/PROTOCOL]]",
  args: { min: 1, max: 2 },
  completion: "container",
  load: () => import("./commands/port.ts"),
};

export const PROCESS: readonly CommandSpec[] = [
  LOGS,
  EXEC,
  ATTACH,
  TOP,
  STATS,
  PORT,
];
