/** What a container's bundle says of its task, written by who keeps it. */

import type { Bundle, ExitStatus } from "../../core/task.ts";
import { NEW_STATUS, type TaskStatus } from "../../core/task_status.ts";

export class KeptStatus {
  readonly #bundle: Bundle;
  #value: TaskStatus;

  /** Goes on with what those have written who kept it before. */
  constructor(bundle: Bundle) {
    this.#bundle = bundle;
    this.#value = bundle.status() ?? NEW_STATUS;
  }

  get value(): TaskStatus {
    return this.#value;
  }

  /** Whether it has been started, as far as anybody has written down. */
  get isNoted(): boolean {
    return this.#value.state !== NEW_STATUS.state;
  }

  change(change: Partial<TaskStatus>): void {
    this.#value = { ...this.#value, ...change };
    try {
      this.#bundle.writeStatus(this.#value);
    } catch {
      // The bundle has gone, or the disk is full: the container, and whoever
      // asks us, are none the worse for it.
    }
  }

  /** It runs: why it did not before is of no interest any more. */
  start(change: Partial<TaskStatus>): void {
    const { error: _, ...value } = this.#value;
    this.#value = value;
    this.change(change);
  }

  /** Its process has ended. */
  end(
    state: "stopped" | "restarting",
    { exitCode, exitedAt }: ExitStatus,
  ): void {
    const { pid } = this.#value;
    this.change({
      state,
      pid: 0,
      exit: {
        exitCode,
        exitedAt: exitedAt.toISOString(),
        certainty: "seen",
        pid,
      },
    });
  }
}
