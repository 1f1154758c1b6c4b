/** Commands on volumes. */

import type { CommandGroup } from "./command.ts";
import { FILTER, FORCE, FORMAT, QUIET, TEMPLATE } from "./table_flags.ts";

export const VOLUME: CommandGroup = {
  name: "volume",
  summary: "Manage volumes",
  commands: [
    {
      name: "create",
      summary: "Make a volume",
      usage: "[VOLUME]",
      args: { min: 0, max: 1 },
      completion: "none",
      flags: [],
      load: () => import("./commands/volume_create.ts"),
    },
    {
      name: "inspect",
      summary: "Show all there is to know about volumes, as JSON",
      usage: "VOLUME [VOLUME...]",
      args: { min: 1 },
      completion: "volume",
      flags: [TEMPLATE],
      load: () => import("./commands/volume_inspect.ts"),
    },
    {
      name: "ls",
      aliases: ["list"],
      summary: "List volumes",
      args: { min: 0, max: 0 },
      flags: [FILTER, FORMAT, { ...QUIET, help: "Show only names" }],
      load: () => import("./commands/volume_ls.ts"),
    },
    {
      name: "prune",
      summary: "Remove volumes that no container uses",
      args: { min: 0, max: 0 },
      flags: [
        {
          name: "all",
          short: "a",
          kind: "boolean",
          help: "Also those that have a name",
        },
        { ...FORCE, help: "Don't ask" },
      ],
      load: () => import("./commands/volume_prune.ts"),
    },
    {
      name: "rm",
      aliases: ["remove"],
      summary: "Remove one or more volumes",
      usage: "VOLUME [VOLUME...]",
      args: { min: 1 },
      completion: "volume",
      flags: [{ ...FORCE, help: "One that is not there is no error" }],
      load: () => import("./commands/volume_rm.ts"),
    },
  ],
};
