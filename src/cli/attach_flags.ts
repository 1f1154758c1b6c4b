/** Flags of commands whose streams are a container's, and what they say. */

import type { AttachStyle } from "./attach_task.ts";
import type { Flags, FlagSpec } from "./command.ts";
import { ExitError } from "./command.ts";
import { parseDetachKeys } from "./detach_keys.ts";
import { UsageError } from "./flags.ts";

export const ATTACH: FlagSpec = {
  name: "attach",
  short: "a",
  kind: "list",
  help: "Connect only these streams: stdin, stdout, stderr",
  completion: ["stdin", "stdout", "stderr"],
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

/** Of `coracle attach`. */
export const ATTACH_FLAGS: readonly FlagSpec[] = [
  {
    name: "no-stdin",
    kind: "boolean",
    help: "Do not give it our standard input",
  },
  SIG_PROXY,
  DETACH_KEYS,
];

/** Of `coracle start`, where few people type them. */
export const RARE_START_FLAGS: readonly FlagSpec[] = [
  FOREGROUND_KEYS,
  SIG_PROXY,
];

/** Of `coracle exec`. */
export const RARE_EXEC_FLAGS: readonly FlagSpec[] = [FOREGROUND_KEYS];

export type Stream = "stdin" | "stdout" | "stderr";

const STREAMS: readonly string[] = ["stdin", "stdout", "stderr"];

/**
 * Streams of `--attach`; undefined if it was not typed.
 * @throws {UsageError} in docker's words; {ExitError} if it contradicts -d
 */
function attachedStreams(flags: Flags): ReadonlySet<Stream> | undefined {
  const streams = flags.list("attach").map((text) => {
    const stream = text.toLowerCase();
    if (STREAMS.includes(stream)) return stream as Stream;
    throw new UsageError(
      `invalid argument "${text}" for "-a, --attach" flag: valid streams are ` +
        "STDIN, STDOUT and STDERR",
    );
  });
  if (streams.length === 0) return undefined;
  if (flags.boolean("detach")) {
    throw new ExitError(
      1,
      "conflicting options: cannot specify both --attach and --detach",
    );
  }
  return new Set(streams);
}

/** How flags change the way in which streams are connected. */
export type AttachWish = Pick<
  AttachStyle,
  "signals" | "detachKeys" | "streams"
>;

/**
 * What `--sig-proxy` and `--detach-keys` say; undefined if it is nothing that
 * a command does not do anyway.
 * @throws {EngineError} `invalidArgument`
 */
export function attachWish(
  flags: Flags,
  streams?: ReadonlySet<Stream>,
): AttachWish | undefined {
  if (!flags.declares("sig-proxy")) return undefined;
  const keys = flags.string("detach-keys");
  if (keys !== undefined) parseDetachKeys(keys);
  const keeps = !flags.boolean("sig-proxy");
  if (streams === undefined && keys === undefined && !keeps) return undefined;
  return {
    ...keeps ? { signals: "keep" } : {},
    ...keys === undefined ? {} : { detachKeys: keys },
    ...streams === undefined ? {} : { streams },
  };
}

/**
 * The same of `coracle run`, and what `--attach` says.
 * @throws {EngineError} `invalidArgument`; {UsageError}; {ExitError}
 */
export function runWish(flags: Flags): AttachWish | undefined {
  return attachWish(flags, attachedStreams(flags));
}
