/** Flags that many commands share. */

import type { FlagSpec } from "./command.ts";

export const FORMAT: FlagSpec = {
  name: "format",
  kind: "string",
  value: "template",
  help: "Show as table, json, 'table TEMPLATE' or a Go template",
};

/** Of commands that show one thing; where lists are filtered, -f is that. */
export const TEMPLATE: FlagSpec = {
  ...FORMAT,
  short: "f",
  help: "Render with a Go template, or json",
};

export const FILTER: FlagSpec = {
  name: "filter",
  short: "f",
  kind: "list",
  value: "filter",
  help: "Show only what fits KEY=VALUE",
};

export const NO_TRUNC: FlagSpec = {
  name: "no-trunc",
  kind: "boolean",
  help: "Don't shorten ids",
};

export const QUIET: FlagSpec = {
  name: "quiet",
  short: "q",
  kind: "boolean",
  help: "Show only ids",
};

export const FORCE: FlagSpec = {
  name: "force",
  short: "f",
  kind: "boolean",
  help: "Don't ask, don't refuse",
};

export const PLATFORM: FlagSpec = {
  name: "platform",
  kind: "string",
  help: "Of an image for many: OS/ARCHITECTURE[/VARIANT]",
};

/** Without a letter: `-f` is `--force` there. */
export const PRUNE_FILTER: FlagSpec = {
  name: "filter",
  kind: "list",
  value: "filter",
  help: "Only what fits: until=24h, label=KEY[=VALUE]",
};
