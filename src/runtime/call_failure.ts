/** From what a runtime says to why it did not do what it was told. */

import { EngineError, failedPrecondition } from "../base/errors.ts";

/** What runc says without the program, and crun without the library. */
const NO_CRIU = /\bcriu\b.*not found|could not load.*libcriu|no criu support/i;
const NOT_THERE = /does not exist|not running|no such process/i;

export interface FailedCall {
  /** Name of the program. */
  readonly runtime: string;
  readonly verb: string;
  /** Of the container. */
  readonly id: string;
  /** In the runtime's words. */
  readonly message: string;
}

/** `notFound` for what is not there (any more), else `failedPrecondition`. */
export function callFailure(
  { runtime, verb, id, message }: FailedCall,
): EngineError {
  const what = `Cannot ${verb} container "${id}"`;
  if (NO_CRIU.test(message)) {
    return failedPrecondition(`${what}: criu is not installed`, {
      hint: "Install it: apt-get install criu",
    });
  }
  const code = NOT_THERE.test(message) ? "notFound" : "failedPrecondition";
  return new EngineError(code, `${what}: ${runtime}: ${message}`);
}
