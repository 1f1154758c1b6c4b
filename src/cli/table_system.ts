/** Commands on the store, the registries and the program itself. */

import type { CommandSpec } from "./command.ts";
import {
  FILTER,
  FORCE,
  FORMAT,
  PRUNE_FILTER,
  TEMPLATE,
} from "./table_flags.ts";

export const LOGIN: CommandSpec = {
  name: "login",
  summary: "Log in to a registry",
  usage: "[SERVER]",
  args: { min: 0, max: 1 },
  completion: "none",
  flags: [
    {
      name: "username",
      short: "u",
      kind: "string",
      help: "User name; asked for if absent",
    },
    {
      name: "password",
      short: "p",
      kind: "string",
      help: "Password; other users can see it, better use --password-stdin",
    },
    {
      name: "password-stdin",
      kind: "boolean",
      help: "Take the password from standard input",
    },
    {
      name: "plain-http",
      kind: "boolean",
      help: "Talk to the registry without TLS",
    },
    {
      name: "insecure",
      kind: "boolean",
      help: "Accept any certificate of the registry",
    },
  ],
  examples: [{ line: "pass registry | coracle login -u me --password-stdin" }],
  load: () => import("./commands/login.ts"),
};

export const LOGOUT: CommandSpec = {
  name: "logout",
  summary: "Log out from a registry",
  usage: "[SERVER]",
  args: { min: 0, max: 1 },
  completion: "none",
  load: () => import("./commands/logout.ts"),
};

export const INFO: CommandSpec = {
  name: "info",
  summary: "Show what this installation is made of",
  args: { min: 0, max: 0 },
  flags: [TEMPLATE],
  load: () => import("./commands/info.ts"),
};

export const EVENTS: CommandSpec = {
  name: "events",
  summary: "Show what happens, and what has happened",
  args: { min: 0, max: 0 },
  flags: [
    {
      ...FILTER,
      help:
        "Only what fits: topic=/images/create, type=image, event=start, container=NAME, namespace=NAME",
    },
    FORMAT,
    {
      name: "since",
      kind: "string",
      value: "time",
      help: "Begin at a time, an age (10m), or after a number (#42)",
    },
    {
      name: "until",
      kind: "string",
      value: "time",
      help: "End at a time, or an age, instead of waiting for more",
    },
  ],
  load: () => import("./commands/events.ts"),
};

export const DOCTOR: CommandSpec = {
  name: "doctor",
  summary: "Show what this host lacks, and how to mend it",
  args: { min: 0, max: 0 },
  flags: [FORMAT],
  load: () => import("./commands/doctor.ts"),
};

export const FSCK: CommandSpec = {
  name: "fsck",
  summary: "Check every blob, record and snapshot of the store",
  args: { min: 0, max: 0 },
  flags: [
    {
      name: "repair",
      kind: "boolean",
      help: "Mend what can be mended; bad blobs are set aside",
    },
    FORMAT,
  ],
  load: () => import("./commands/fsck.ts"),
};

export const DF: CommandSpec = {
  name: "df",
  summary: "Show how much room is used, and how much could be freed",
  args: { min: 0, max: 0 },
  flags: [
    { name: "verbose", short: "v", kind: "boolean", help: "Show each item" },
    FORMAT,
  ],
  load: () => import("./commands/system_df.ts"),
};

export const PRUNE: CommandSpec = {
  name: "prune",
  summary: "Remove stopped containers and everything that nothing uses",
  args: { min: 0, max: 0 },
  flags: [
    {
      name: "all",
      short: "a",
      kind: "boolean",
      help: "Remove all images that no container uses, not only nameless ones",
    },
    PRUNE_FILTER,
    { ...FORCE, help: "Don't ask" },
    {
      name: "volumes",
      kind: "boolean",
      help: "Also anonymous volumes that no container uses",
    },
  ],
  load: () => import("./commands/system_prune.ts"),
};

export const GC: CommandSpec = {
  name: "gc",
  summary: "Collect garbage now, or say why something is kept",
  usage: "[DIGEST]",
  args: { min: 0, max: 1 },
  hidden: true,
  load: () => import("./commands/gc.ts"),
};

export const VERSION: CommandSpec = {
  name: "version",
  summary: "Show the version",
  args: { min: 0, max: 0 },
  flags: [TEMPLATE],
  load: () => import("./commands/version.ts"),
};

export const COMPLETION: CommandSpec = {
  name: "completion",
  summary: "Write the completion script of a shell",
  usage: "bash|zsh|fish",
  args: { min: 1, max: 1 },
  completion: ["bash", "zsh", "fish"],
  examples: [{ line: `source <(coracle completion bash)` }],
  load: () => import("./commands/completion.ts"),
};

/** What the completion scripts ask for the names of things. */
export const COMPLETE: CommandSpec = {
  name: "__complete",
  summary: "List names for the completion of a shell",
  usage: "image|container",
  args: { min: 1, max: 1 },
  hidden: true,
  load: () => import("./commands/complete.ts"),
};

export const HELP: CommandSpec = {
  name: "help",
  summary: "Show the help of a command",
  usage: "[COMMAND]",
  flagOrder: "first",
  hidden: true,
  load: () => import("./commands/help.ts"),
};
