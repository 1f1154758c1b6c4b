/** Commands on containers. */

import type { CommandSpec, FlagSpec } from "./command.ts";
import {
  FILTER,
  FORCE,
  FORMAT,
  NO_TRUNC,
  QUIET,
  TEMPLATE,
} from "./table_flags.ts";

const SIZE: FlagSpec = {
  ...{ name: "size", short: "s", kind: "boolean", help: "Show sizes" },
};

export const RUN: CommandSpec = {
  name: "run",
  summary: "Make a container from an image and run it",
  usage: "IMAGE [COMMAND] [ARG...]",
  args: { min: 1 },
  flagOrder: "first",
  completion: "image",
  errorExitCode: 125,
  loadFlags: async () => (await import("./run_flags.ts")).RUN_FLAGS,
  loadRareFlags: async () => (await import("./rare_flags.ts")).RARE_RUN_FLAGS,
  examples: [
    { line: "coracle run alpine echo hello" },
    { line: "coracle run --rm -it -v $PWD:/work -w /work alpine sh" },
    { line: "coracle run --rm --memory 256m --cpus 0.5 --network none alpine" },
  ],
  load: () => import("./commands/run.ts"),
};

export const PS: CommandSpec = {
  name: "ps",
  summary: "List containers",
  args: { min: 0, max: 0 },
  flags: [
    {
      name: "all",
      short: "a",
      kind: "boolean",
      help: "Show all containers, not only running ones",
    },
    {
      name: "last",
      // docker has -n here, too: the namespace is given before the command.
      short: "n",
      kind: "number",
      help: "Show the N containers made last, whatever their state",
    },
    {
      name: "latest",
      short: "l",
      kind: "boolean",
      help: "Show the container made last, whatever its state",
    },
    SIZE,
    FILTER,
    FORMAT,
    NO_TRUNC,
    QUIET,
  ],
  load: () => import("./commands/ps.ts"),
};

export const RM: CommandSpec = {
  name: "rm",
  summary: "Remove one or more containers",
  usage: "CONTAINER [CONTAINER...]",
  args: { min: 1 },
  completion: "container",
  flags: [
    { ...FORCE, help: "Kill it first if it is running" },
    {
      name: "volumes",
      short: "v",
      kind: "boolean",
      help: "Remove its anonymous volumes, too",
    },
  ],
  load: () => import("./commands/rm.ts"),
};

export const CONTAINER_INSPECT: CommandSpec = {
  name: "inspect",
  summary: "Show all there is to know about containers, as JSON",
  usage: "CONTAINER [CONTAINER...]",
  args: { min: 1 },
  completion: "container",
  flags: [TEMPLATE, SIZE],
  load: () => import("./commands/container_inspect.ts"),
};

export const INSPECT: CommandSpec = {
  name: "inspect",
  summary: "Show all there is to know about things of any kind, as JSON",
  usage: "NAME|ID [NAME|ID...]",
  args: { min: 1 },
  completion: "image",
  flags: [
    TEMPLATE,
    {
      name: "type",
      kind: "string",
      choices: ["container", "image", "volume"],
      help: "Look only for one kind of thing: container, image, volume",
    },
    SIZE,
  ],
  load: () => import("./commands/inspect.ts"),
};
