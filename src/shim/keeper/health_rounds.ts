/** When a container is asked how it is. @see docker, "HEALTHCHECK" */

import type { HealthCheck } from "../../core/container_settings.ts";
import {
  type HealthResult,
  type HealthStatus,
  NEW_HEALTH,
} from "../../core/task_status.ts";
import type { SpecProcess } from "../../oci/runtime_spec.ts";

export interface HealthRoundsDeps {
  readonly now: () => Date;
  /** Asks once. Undefined if the container can't be asked: nothing is noted. */
  readonly probe: () => Promise<HealthResult | undefined>;
  readonly report: (health: HealthStatus) => void;
  /** Another word for it than before. */
  readonly changed: (status: HealthStatus["status"]) => void;
}

export const HEALTH_TOPIC = "/containers/health-status";

const MOST_RESULTS = 5;
/** Of a probe's, that are kept. */
export const MOST_OUTPUT_BYTES = 4096;

/** Probes until disposed. */
export function beginHealthRounds(
  deps: HealthRoundsDeps,
  check: HealthCheck,
): Disposable {
  const rounds = new HealthRounds(deps, check);
  rounds.schedule();
  return rounds;
}

class HealthRounds implements Disposable {
  readonly #deps: HealthRoundsDeps;
  readonly #check: HealthCheck;
  readonly #startedAt: number;
  #health = NEW_HEALTH;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(deps: HealthRoundsDeps, check: HealthCheck) {
    this.#deps = deps;
    this.#check = check;
    this.#startedAt = deps.now().getTime();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  schedule(): void {
    if (this.#isOver) return;
    const interval = this.#isStarting()
      ? this.#check.startIntervalMs
      : this.#check.intervalMs;
    this.#timer = setTimeout(() => void this.#round(), interval);
  }

  /** Failures don't count yet. */
  #isStarting(): boolean {
    const age = this.#deps.now().getTime() - this.#startedAt;
    return this.#health.status === "starting" &&
      age < this.#check.startPeriodMs;
  }

  async #round(): Promise<void> {
    const result = await this.#deps.probe();
    if (!this.#isOver && result !== undefined) this.#note(result);
    this.schedule();
  }

  #note(result: HealthResult): void {
    const before = this.#health;
    const isHealthy = result.exitCode === 0;
    const failingStreak = isHealthy
      ? 0
      : this.#isStarting()
      ? before.failingStreak
      : before.failingStreak + 1;
    const status = isHealthy
      ? "healthy"
      : failingStreak >= this.#check.retries
      ? "unhealthy"
      : before.status;
    const log = [...before.log, result].slice(-MOST_RESULTS);
    this.#health = { status, failingStreak, log };
    this.#deps.report(this.#health);
    if (status !== before.status) this.#deps.changed(status);
  }
}

/** The first bytes of what a probe says. */
export class ProbeOutput {
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #verdict = "";

  add(bytes: Uint8Array): void {
    const taken = bytes.slice(0, MOST_OUTPUT_BYTES - this.#bytes);
    this.#bytes += taken.length;
    if (taken.length > 0) this.#chunks.push(taken);
  }

  /** The probe did not end in time. */
  noteLate({ timeoutMs }: HealthCheck): void {
    this.#verdict = `Health check exceeded timeout (${timeoutMs / 1000}s)`;
  }

  /** As docker has it, with what was said behind what is to be said of it. */
  text(): string {
    const decoder = new TextDecoder();
    const said = this.#chunks
      .map((chunk) => decoder.decode(chunk, { stream: true }))
      .join("") + decoder.decode();
    return [this.#verdict, said].filter((text) => text !== "").join(": ");
  }
}

/** In place of the exit code of a probe that did not end in time. */
export const LATE = -1;

/** The container's own process, with another command. */
export function probeProcess(
  bundle: string,
  { command: args }: HealthCheck,
): SpecProcess {
  const spec = JSON.parse(Deno.readTextFileSync(`${bundle}/config.json`));
  return { ...spec.process, args, terminal: false };
}
