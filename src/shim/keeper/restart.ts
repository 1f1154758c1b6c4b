/** Whether and when a container that has ended is started again. */

import type { RestartPolicy } from "../../core/container_settings.ts";

/** As docker's: the pause doubles with each start until there is a good run. */
const FIRST_MS = 100;
const LONGEST_MS = 60_000;
const GOOD_RUN_MS = 10_000;

export interface EndedRun {
  readonly exitCode: number;
  readonly ranMs: number;
}

/** What it remembers. */
export interface Restarts {
  readonly backOffMs: number;
  readonly count: number;
}

/** Remembers how often a container was started again. */
export class RestartCounter {
  #backOffMs: number;
  #count: number;

  constructor({ backOffMs, count }: Restarts = { backOffMs: 0, count: 0 }) {
    this.#backOffMs = backOffMs;
    this.#count = count;
  }

  get restarts(): Restarts {
    return { backOffMs: this.#backOffMs, count: this.#count };
  }

  /** @returns how long to wait until the next start; undefined for never */
  next(policy: RestartPolicy, run: EndedRun): number | undefined {
    if (run.ranMs >= GOOD_RUN_MS) this.#backOffMs = 0;
    if (!this.#wants(policy, run.exitCode)) return undefined;
    this.#count++;
    this.#backOffMs = this.#backOffMs === 0
      ? FIRST_MS
      : Math.min(2 * this.#backOffMs, LONGEST_MS);
    return this.#backOffMs;
  }

  #wants(policy: RestartPolicy, exitCode: number): boolean {
    switch (policy.kind) {
      case "no":
        return false;
      case "always":
      case "unless-stopped":
        return true;
      case "on-failure":
        return exitCode !== 0 &&
          (policy.most === 0 || this.#count < policy.most);
      default:
        return policy satisfies never;
    }
  }
}
