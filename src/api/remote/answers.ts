/** Answers that must have something in them. */

import { internal } from "../../base/errors.ts";

/** @throws {EngineError} `internal` if the other side has left it out */
export function answered<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw internal(`Cannot use an answer that has no ${what}`);
}

/** A mask that names nothing changes all that can be changed. */
export function maskOf(
  fieldPaths: readonly string[] | undefined,
): string[] | undefined {
  return fieldPaths === undefined ? undefined : [...fieldPaths];
}
