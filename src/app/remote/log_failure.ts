/** Why a container's logger does not log, in the container's bundle. */

import { EngineError, type ErrorCode } from "../../base/errors.ts";
import { writeWhole } from "../../sys/write_whole.ts";

export const LOG_FAILURE = "log-failure.json";

interface LogFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** A container is not started whose output would be lost. */
export class LogFailureError extends EngineError {
  /** As of a container that could not be started: nothing was done. */
  readonly exitCode = 125;
}

/** @param bundle its directory, which may be going */
export function writeLogFailure(bundle: string, error: EngineError): void {
  const { code, message, hint } = error;
  const failure: LogFailure = {
    ...{ code, message },
    ...hint === undefined ? {} : { hint },
  };
  try {
    writeWhole(`${bundle}/${LOG_FAILURE}`, JSON.stringify(failure));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** @throws {LogFailureError} what its logger has failed with, if it has */
export function throwLogFailure(bundle: string): void {
  let failure: LogFailure;
  try {
    failure = JSON.parse(Deno.readTextFileSync(`${bundle}/${LOG_FAILURE}`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  const { code, message, hint } = failure;
  throw new LogFailureError(code, message, hint === undefined ? {} : { hint });
}
