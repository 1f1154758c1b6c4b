import { EngineError } from "../base/errors.ts";

/** A command cannot do this with the store of another process. */
export class ThroughSocketError extends EngineError {
  /** As of a container that could not be started: nothing was done. */
  readonly exitCode = 125;
}

/**
 * Who waited for a task over there does so no more: there is nobody to ask. It
 * is not finished for that; the next command does so, once it has ended.
 */
export class LostDaemonError extends ThroughSocketError {
  constructor(message: string, cause: unknown) {
    super("unavailable", message, { cause });
  }
}

/** @param what after "Cannot": `attach to container "web"` */
export function throughSocket(
  what: string,
  hint = "Run it on the store itself, without --address",
): ThroughSocketError {
  return new ThroughSocketError(
    "unimplemented",
    `Cannot ${what} through a socket`,
    { hint },
  );
}

/** Who asks can't mount the memory that goes with them. */
export function ipcThroughSocket(): ThroughSocketError {
  return throughSocket(
    "share IPC namespaces",
    "Run it as root, who may mount the memory that goes with them",
  );
}
