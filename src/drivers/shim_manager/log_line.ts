/** What shims write to their log: logrus, as text or as JSON. */

import type { LogFields, LogLevel } from "../../base/log.ts";

export interface ShimLogLine {
  readonly level: LogLevel;
  readonly message: string;
  /** Without the time: whoever reads it does so at once. */
  readonly fields: LogFields;
}

/** `level=` of logrus → ours. */
const LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: "trace",
  debug: "debug",
  info: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
  fatal: "error",
  panic: "error",
};

/** A pair of logrus' text form; the value may be quoted as JSON has it. */
const PAIR = /([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s+|$)/y;

/** What is no log line is a message: the stack of a crash, for example. */
export function parseLogLine(line: string): ShimLogLine {
  const { time: _time, level, msg, ...fields } = fieldsOf(line) ?? {};
  const known = typeof level === "string" ? LEVELS[level] : undefined;
  if (known === undefined || typeof msg !== "string") {
    return { level: "warn", message: line, fields: {} };
  }
  return { level: known, message: msg, fields };
}

function fieldsOf(line: string): Record<string, unknown> | undefined {
  return line.startsWith("{") ? parseObject(line) : parsePairs(line);
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Undefined if anything in it is not a pair. */
function parsePairs(line: string): Record<string, unknown> | undefined {
  const pairs: [string, string][] = [];
  PAIR.lastIndex = 0;
  for (let at = 0; at < line.length; at = PAIR.lastIndex) {
    const [, name, value] = PAIR.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    pairs.push([name, unquoted(value)]);
  }
  return Object.fromEntries(pairs);
}

/** Go quotes more than JSON does: such values stay as they are. */
function unquoted(value: string): string {
  if (!value.startsWith('"')) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value.slice(1, -1);
  }
}
