import { EngineError } from "../base/errors.ts";

/** A command cannot do this with the store of another process. */
export class ThroughSocketError extends EngineError {
  /** As of a container that could not be started: nothing was done. */
  readonly exitCode = 125;
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

/** The memory that goes with them is mounted for who runs both. */
export function ipcThroughSocket(): ThroughSocketError {
  return throughSocket(
    "share IPC namespaces",
    "Run both containers on the store itself, without --address; --pid " +
      "container:NAME works here, too",
  );
}
