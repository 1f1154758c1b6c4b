/** A shim that this daemon talks to, for as long as both live. */

import type { Bundle, ExitStatus, TaskRef } from "../../core/task.ts";
import type { ShimLog } from "./shim_log.ts";
import type { ShimConnection } from "./wire.ts";

/** How far a task is, by what its shim has told. */
export type ToldOf = "running" | "exited" | "deleted";

export class KeptShim {
  readonly ref: TaskRef;
  /** Held, so that no command takes it for abandoned. */
  readonly bundle: Bundle;
  readonly connection: ShimConnection;
  /** What it says is passed on. */
  readonly log: ShimLog;
  told: ToldOf = "running";
  /** Its task is being created: that it has none means nothing. */
  isCreating = false;
  /** The daemon is deleting the task: the shim may go. */
  isLeaving = false;
  readonly #gone = Promise.withResolvers<ExitStatus>();

  constructor(bundle: Bundle, connection: ShimConnection, log: ShimLog) {
    const { namespace, id } = bundle.record;
    this.ref = { namespace, id };
    this.bundle = bundle;
    this.connection = connection;
    this.log = log;
    // Whoever does not wait does not mind.
    this.#gone.promise.catch(() => {});
  }

  /** Settles when nothing is left, if it died: with how the task ended. */
  get gone(): Promise<ExitStatus> {
    return this.#gone.promise;
  }

  endedWith(exit: ExitStatus): void {
    this.#gone.resolve(exit);
  }
}

export function keyOf({ namespace, id }: TaskRef): string {
  return `${namespace}/${id}`;
}
