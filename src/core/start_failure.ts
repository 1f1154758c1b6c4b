/** Why a task did not start, as docker tells its callers. */

import { EngineError, type EngineErrorOptions } from "../base/errors.ts";

/** Docker's exit codes for a container that did not start. */
export const START_FAILURE = {
  /** Ours or the runtime's fault. */
  engine: 125,
  /** The command can't be executed. */
  notExecutable: 126,
  /** The command doesn't exist. */
  notFound: 127,
} as const;

export type StartFailureCode = typeof START_FAILURE[keyof typeof START_FAILURE];

/** The container did not start. */
export class TaskStartError extends EngineError {
  readonly exitCode: StartFailureCode;

  constructor(
    exitCode: StartFailureCode,
    message: string,
    options?: EngineErrorOptions,
  ) {
    super(
      exitCode === START_FAILURE.notFound
        ? "notFound"
        : exitCode === START_FAILURE.notExecutable
        ? "permissionDenied"
        : "failedPrecondition",
      message,
      options,
    );
    this.exitCode = exitCode;
  }
}
