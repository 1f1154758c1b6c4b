/**
 * Levels of the log as containerd's flags and files have them.
 * @see logrus, `ParseLevel()`
 */

import type { LogLevel } from "../../base/log.ts";

export const LEVELS: readonly string[] = [
  ...["trace", "debug", "info", "warn", "error", "fatal", "panic"],
];

/** In small or capital letters; `warning` is `warn`. */
export function isLevel(text: string): boolean {
  return LEVELS.includes(plainLevel(text));
}

/**
 * The two worst end containerd; what is left of them are errors.
 * @param name one that `isLevel()`
 */
export function levelOf(name: string): LogLevel {
  const level = plainLevel(name);
  return level === "fatal" || level === "panic" ? "error" : level as LogLevel;
}

function plainLevel(text: string): string {
  const level = text.toLowerCase();
  return level === "warning" ? "warn" : level;
}
