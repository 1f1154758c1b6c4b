/** The command on what containers have written. */

import type { CommandSpec } from "./command.ts";

export const LOGS: CommandSpec = {
  name: "logs",
  summary: "Show what a container has written",
  usage: "CONTAINER",
  args: { min: 1, max: 1 },
  completion: "container",
  flags: [
    {
      name: "details",
      kind: "boolean",
      help: "Show extra details given to logs",
    },
    {
      name: "follow",
      short: "f",
      kind: "boolean",
      help: "Go on with what it writes until it ends",
    },
    {
      name: "since",
      kind: "string",
      value: "time",
      help: "Only from then on: an age (42m), or a time (2026-01-02T13:23:37Z)",
    },
    {
      name: "tail",
      short: "n",
      kind: "string",
      value: "lines",
      default: "all",
      help: "So many lines from the end",
    },
    {
      name: "timestamps",
      short: "t",
      kind: "boolean",
      help: "Show when each line was written",
    },
    {
      name: "until",
      kind: "string",
      value: "time",
      help: "Only up to then: an age (42m), or a time (2026-01-02T13:23:37Z)",
    },
  ],
  examples: [{
    line: "coracle logs -f --tail 10 web",
    note: "The last ten lines, and what follows",
  }],
  load: () => import("./commands/logs.ts"),
};
