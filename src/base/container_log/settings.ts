/** Which log driver a container has, from docker's names and options. */

import { EngineError, invalidArgument } from "../errors.ts";
import { parseBytes } from "../units.ts";

/** As written by the user. */
export interface LogSettingsText {
  /** `json-file`, `local`, `none`, `journald`, or a `binary://…` address. */
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
}

export type LogPlan =
  /** Written to files by us. */
  | ({ readonly kind: "files"; readonly format: FileFormat } & Rotation)
  | { readonly kind: "none" }
  /** Sent to systemd's journal. */
  | { readonly kind: "journald" }
  /** A program of the user's reads the container's streams. */
  | { readonly kind: "program"; readonly address: string };

/** Docker's: one JSON object a line, or frames of protobuf. */
export type FileFormat = "json-file" | "local";

export interface Rotation {
  /** A file is full when it has so many; infinite if it never is. */
  readonly maxBytes: number;
  /** How many files there are at most, the current one among them. */
  readonly maxFiles: number;
}

export const DEFAULT_LOG_DRIVER = "json-file";

const MEBIBYTE = 1024 ** 2;
const ROTATION = {
  "json-file": { maxBytes: 10 * MEBIBYTE, maxFiles: 3 },
  local: { maxBytes: 20 * MEBIBYTE, maxFiles: 5 },
} as const satisfies Record<FileFormat, Rotation>;

const DRIVERS = ["json-file", "local", "none", "journald", "binary://…"];

/** Of any driver: a container waits for its log, it loses nothing. */
const COMMON_OPTIONS = ["mode"];
const FILE_OPTIONS = ["max-size", "max-file", "compress"];

/** More would only make readers slow. */
const MOST_FILES = 1000;

/** @throws {EngineError} `invalidArgument`, `unimplemented` */
export function planLog(settings: LogSettingsText): LogPlan {
  const { driver, options } = settings;
  if (/^binary(-v2)?:\/\/./.test(driver)) {
    checkNames(settings, []);
    return { kind: "program", address: driver };
  }
  switch (driver) {
    case "json-file":
    case "local":
      checkNames(settings, [...COMMON_OPTIONS, ...FILE_OPTIONS]);
      checkChoices(options);
      return { kind: "files", format: driver, ...rotation(driver, options) };
    case "none":
      checkNames(settings, []);
      return { kind: "none" };
    case "journald":
      checkNames(settings, COMMON_OPTIONS);
      checkChoices(options);
      return { kind: "journald" };
    default:
      throw invalidArgument(
        `logger: no log driver named '${driver}' is registered`,
        { hint: `There are ${DRIVERS.join(", ")}` },
      );
  }
}

/**
 * For the command line, before anything is made.
 * @throws {EngineError} as `planLog`
 */
export function checkLogSettings(settings: LogSettingsText): void {
  planLog(settings);
}

function checkNames(
  { driver, options }: LogSettingsText,
  known: readonly string[],
): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const list = known.length === 0 ? "It has none" : known.join(", ");
    throw invalidArgument(
      `unknown log opt '${name}' for ${driver} log driver`,
      { hint: known.length === 0 ? list : `It has ${list}` },
    );
  }
}

/** The options that have to be what they are by default. */
function checkChoices(options: LogSettingsText["options"]): void {
  const { mode = "blocking", compress = "false" } = options;
  if (mode !== "blocking") {
    throw mode === "non-blocking"
      ? unsupported("mode", mode, "Leave it out: a container waits for its log")
      : invalidArgument(`logger: logging mode not supported: ${mode}`);
  }
  if (compress === "false") return;
  throw compress === "true"
    ? unsupported("compress", compress, "Leave it out, or keep fewer files")
    : invalidArgument(`Cannot use log option compress "${compress}"`, {
      hint: "Say true or false",
    });
}

function unsupported(name: string, value: string, hint: string): EngineError {
  return new EngineError(
    "unimplemented",
    `Cannot use log option ${name} "${value}": not implemented`,
    { hint },
  );
}

function rotation(
  format: FileFormat,
  options: LogSettingsText["options"],
): Rotation {
  const { maxBytes, maxFiles } = ROTATION[format];
  const size = options["max-size"];
  const count = options["max-file"];
  return {
    maxBytes: size === undefined ? maxBytes : parseMaxSize(size),
    maxFiles: count === undefined ? maxFiles : parseMaxFile(count),
  };
}

function parseMaxSize(text: string): number {
  if (text === "-1") return Infinity;
  const bytes = parseBytes("max-size", text);
  if (bytes > 0) return bytes;
  throw invalidArgument(`Cannot use max-size "${text}"`, {
    hint: "Say how large a log file may get, 10m for instance; -1: any size",
  });
}

function parseMaxFile(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count > 0 && count <= MOST_FILES) return count;
  if (/^-?\d+$/.test(text) && count < 1) {
    throw invalidArgument("max-file cannot be less than 1");
  }
  throw invalidArgument(`Cannot use max-file "${text}"`, {
    hint: `Say how many log files there may be, up to ${MOST_FILES}`,
  });
}
