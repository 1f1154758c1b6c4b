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

export const DETACH_KEYS: FlagSpec = {
  name: "detach-keys",
  kind: "string",
  value: "keys",
  help: "Keys that leave it running (default ctrl-p,ctrl-q)",
};

/** Of commands that hold a container in their own hands without it. */
export const FOREGROUND_KEYS: FlagSpec = {
  ...DETACH_KEYS,
  help: "Make it possible to leave it running, with these keys: ctrl-p,ctrl-q",
};

export const SIG_PROXY: FlagSpec = {
  name: "sig-proxy",
  kind: "boolean",
  default: true,
  help: "Pass on the signals that we get",
};
