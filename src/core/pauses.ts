/**
 * Pauses that are to end with the command that made them, whatever becomes of
 * it: what it does meanwhile must not see files change.
 */

import type { TaskRef } from "./task.ts";

export interface PauseStore {
  /** This process is about to pause it. Disposing says that it goes on again. */
  hold(task: TaskRef): Disposable;
  /**
   * Of processes that have gone, held by us one after the other. Disposing one
   * says that it goes on again.
   */
  abandoned(): Iterable<AbandonedPause>;
}

export interface AbandonedPause extends Disposable {
  readonly task: TaskRef;
}
