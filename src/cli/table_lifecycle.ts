/** Commands on the life of containers: create, start, stop, … */

import type { CommandSpec, FlagSpec } from "./command.ts";
import { FORCE, PRUNE_FILTER } from "./table_flags.ts";

const TIMEOUT: readonly FlagSpec[] = [
  {
    name: "timeout",
    short: "t",
    kind: "number",
    shape: "integer",
    value: "seconds",
    help: "How long it may take to end before it is killed (-1: for ever)",
  },
  {
    name: "time",
    kind: "number",
    shape: "integer",
    value: "seconds",
    help: "Same as --timeout",
    hidden: true,
  },
];

const SIGNAL: FlagSpec = {
  name: "signal",
  short: "s",
  kind: "string",
  help: "Signal to send, by name or number",
};

const several = {
  usage: "CONTAINER [CONTAINER...]",
  args: { min: 1 },
  completion: "container",
} as const;

export const CREATE: CommandSpec = {
  name: "create",
  summary: "Make a container from an image without starting it",
  usage: "IMAGE [COMMAND] [ARG...]",
  args: { min: 1 },
  flagOrder: "first",
  completion: "image",
  loadFlags: async () => (await import("./run_flags.ts")).CREATE_FLAGS,
  loadRareFlags: async () =>
    (await import("./rare_flags.ts")).RARE_CREATE_FLAGS,
  load: () => import("./commands/create.ts"),
};

export const START: CommandSpec = {
  name: "start",
  summary: "Start one or more stopped containers",
  ...several,
  flags: [
    {
      name: "attach",
      short: "a",
      kind: "boolean",
      help: "Show its output, pass on signals, and wait for its end",
    },
    {
      name: "interactive",
      short: "i",
      kind: "boolean",
      help: "Give it our standard input, too",
    },
  ],
  loadRareFlags: async () =>
    (await import("./attach_flags.ts")).RARE_START_FLAGS,
  load: () => import("./commands/start.ts"),
};

export const STOP: CommandSpec = {
  name: "stop",
  summary: "Ask one or more containers to end, and kill them if they don't",
  ...several,
  flags: [...TIMEOUT, SIGNAL],
  load: () => import("./commands/stop.ts"),
};

export const KILL: CommandSpec = {
  name: "kill",
  summary: "Send a signal to one or more containers",
  ...several,
  flags: [{ ...SIGNAL, default: "KILL" }],
  load: () => import("./commands/kill.ts"),
};

export const RESTART: CommandSpec = {
  name: "restart",
  summary: "Stop one or more containers, and start them again",
  ...several,
  flags: [...TIMEOUT, SIGNAL],
  load: () => import("./commands/restart.ts"),
};

export const PAUSE: CommandSpec = {
  name: "pause",
  summary: "Halt all processes of one or more containers",
  ...several,
  load: () => import("./commands/pause.ts"),
};

export const UNPAUSE: CommandSpec = {
  name: "unpause",
  summary: "Let the processes of one or more containers go on",
  ...several,
  load: () => import("./commands/unpause.ts"),
};

export const WAIT: CommandSpec = {
  name: "wait",
  summary: "Wait until one or more containers end, and show their exit codes",
  ...several,
  load: () => import("./commands/wait.ts"),
};

export const RENAME: CommandSpec = {
  name: "rename",
  summary: "Give a container another name",
  usage: "CONTAINER NAME",
  args: { min: 2, max: 2 },
  completion: "container",
  load: () => import("./commands/rename.ts"),
};

export const UPDATE: CommandSpec = {
  name: "update",
  summary: "Change limits or the restart policy of one or more containers",
  ...several,
  loadFlags: async () => (await import("./update_flags.ts")).UPDATE_FLAGS,
  loadRareFlags: async () =>
    (await import("./rare_flags.ts")).RARE_UPDATE_FLAGS,
  load: () => import("./commands/update.ts"),
};

export const LIFECYCLE: readonly CommandSpec[] = [
  CREATE,
  START,
  STOP,
  KILL,
  RESTART,
  PAUSE,
  UNPAUSE,
  WAIT,
  RENAME,
  UPDATE,
];

export const CONTAINER_PRUNE: CommandSpec = {
  name: "prune",
  summary: "Remove all containers that are not running",
  args: { min: 0, max: 0 },
  flags: [PRUNE_FILTER, { ...FORCE, help: "Don't ask" }],
  load: () => import("./commands/container_prune.ts"),
};

export const SYSTEM_START: CommandSpec = {
  name: "start",
  summary: "Start the containers that are to run after a reboot",
  args: { min: 0, max: 0 },
  examples: [{
    line: "coracle system start",
    note: "Those with --restart always or unless-stopped",
  }],
  load: () => import("./commands/system_start.ts"),
};

/** What a shim, or a logger, calls at the end of its container. */
export const SYSTEM_RECONCILE: CommandSpec = {
  name: "reconcile",
  summary: "Finish what has ended",
  usage: "[ID]",
  args: { min: 0, max: 1 },
  hidden: true,
  load: () => import("./commands/system_reconcile.ts"),
};

/** What the logger of a container calls that its daemon can't restart. */
export const SYSTEM_RESTART_ENDED: CommandSpec = {
  name: "restart-ended",
  summary: "Start a container again whose policy says so",
  usage: "ID",
  args: { min: 1, max: 1 },
  hidden: true,
  load: () => import("./commands/system_restart_ended.ts"),
};

/** What stays of an `exec -it` that its user has left. */
export const SYSTEM_KEEP_STREAMS: CommandSpec = {
  name: "keep-streams",
  summary: "Keep the streams of a process that was left",
  usage: "PID",
  args: { min: 1, max: 1 },
  hidden: true,
  load: () => import("./commands/system_keep_streams.ts"),
};

/** What shims call as containerd's publish binary. */
export const PUBLISH: CommandSpec = {
  name: "publish",
  summary: "Publish an event",
  args: { min: 0, max: 0 },
  hidden: true,
  flags: [
    { name: "topic", kind: "string", help: "Topic of the event" },
    {
      name: "event",
      kind: "string",
      help: "The event itself is on standard input",
      hidden: true,
    },
  ],
  load: () => import("./commands/publish.ts"),
};
