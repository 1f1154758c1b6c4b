/** From a shim's words to why a process did not start. */

import { EngineError } from "../../base/errors.ts";
import { TaskStartError } from "../../core/start_failure.ts";

/** What was asked of the shim. */
export const START_CALLS = { container: "container", exec: "exec" } as const;

export type StartCall = typeof START_CALLS[keyof typeof START_CALLS];

/**
 * Finds docker's exit code in what an OCI runtime says.
 * @param runtime its name
 */
export type StartErrors = (
  runtime: string,
  message: string,
  call: StartCall,
) => TaskStartError;

/** An error that is ours, not about the container, stays what it is. */
export function startFailure(
  startErrors: StartErrors,
  kind: string,
  call: StartCall,
  thrown: unknown,
): Error {
  if (thrown instanceof TaskStartError) return thrown;
  const error = EngineError.from(thrown);
  if (error.code === "cancelled" || error.code === "deadlineExceeded") {
    return error;
  }
  if (call === "exec" && error.code === "notFound") return error;
  return startErrors(kind, plain(error.message), call);
}

/** Without what each of containerd's layers says of itself. */
function plain(message: string): string {
  return message
    .replace(/^(?:failed to (?:create|start)[^:]*: )+/, "")
    .replace(/^OCI runtime (?:create|start|exec) failed: /, "")
    .replace(/: unknown$/, "");
}
