/** Asking a container at intervals how it is. @see docker, "HEALTHCHECK" */

import type { HealthCheck } from "../../core/container_settings.ts";
import type { KeepRequest } from "../../core/keeper.ts";
import {
  type HealthResult,
  type HealthStatus,
  NEW_HEALTH,
} from "../../core/task_status.ts";
import { containerGroup, isFrozen } from "../../runtime/cgroup.ts";
import type { RuntimeControl } from "../../runtime/control.ts";
import { closeFd, makePipe, setBlocking } from "../../sys/descriptors.ts";
import type { Poller } from "../../sys/poller.ts";
import { exitCodeOf, sendSignal } from "../../sys/process.ts";
import type { Reaper } from "../../sys/reaper.ts";
import { SIGNALS } from "../../sys/signals.ts";
import { OutputReader } from "./output.ts";
import type { Publish } from "./publish.ts";

export interface HealthDeps {
  readonly poller: Poller;
  readonly reaper: Reaper;
  readonly now: () => Date;
  readonly publish: Publish;
  readonly control: RuntimeControl;
  readonly request: KeepRequest;
  /** Of the container's first process. */
  readonly pid: number;
  readonly report: (health: HealthStatus) => void;
}

const MOST_RESULTS = 5;
const MOST_OUTPUT_BYTES = 4096;

/** Probes until disposed. */
export function watchHealth(deps: HealthDeps, check: HealthCheck): Disposable {
  const watch = new HealthWatch(deps, check);
  watch.schedule();
  return watch;
}

class HealthWatch implements Disposable {
  readonly #deps: HealthDeps;
  readonly #check: HealthCheck;
  readonly #startedAt: number;
  #health = NEW_HEALTH;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;
  #probes = 0;

  constructor(deps: HealthDeps, check: HealthCheck) {
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
    const { pid, request } = this.#deps;
    const group = containerGroup(pid, request.id);
    const isPaused = group !== undefined && isFrozen(group) === true;
    if (!isPaused) {
      const result = await this.#probe();
      if (!this.#isOver) this.#note(result);
    }
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
    if (status === before.status) return;
    const { request, publish } = this.#deps;
    publish(request, "/containers/health-status", { id: request.id, status });
  }

  async #probe(): Promise<HealthResult> {
    const { request, control, poller, reaper, now } = this.#deps;
    const start = now().toISOString();
    const file = `${request.bundle}/.health.json`;
    const output = makePipe();
    setBlocking(output.read, "nonblocking");
    const capture = new Capture();
    const buffer = new Uint8Array(MOST_OUTPUT_BYTES);
    const reader = new OutputReader(
      poller,
      output.read,
      buffer,
      (bytes) => capture.add(bytes),
    );
    let exitCode: number;
    try {
      writeProcess(file, request.bundle, this.#check.command);
      const pid = await control.exec(request.id, file, {
        streams: {
          kind: "streams",
          stdin: "null",
          stdout: { fd: output.write },
          stderr: { fd: output.write },
        },
        pidFile: `${request.bundle}/.health-${++this.#probes}.pid`,
      });
      exitCode = await this.#waitFor(pid, reaper);
    } catch (error) {
      capture.add(new TextEncoder().encode(String(error)));
      exitCode = -1;
    }
    closeFd(output.write);
    reader.drain();
    reader.stop();
    closeFd(output.read);
    const end = now().toISOString();
    return { start, end, exitCode, output: capture.text() };
  }

  /** @returns -1 if it did not end in time */
  async #waitFor(pid: number, reaper: Reaper): Promise<number> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      sendSignal(pid, SIGNALS.SIGKILL);
    }, this.#check.timeoutMs);
    const code = exitCodeOf(await reaper.wait(pid));
    clearTimeout(timer);
    return isLate ? -1 : code;
  }
}

/** The first bytes of what a probe says. */
class Capture {
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  add(bytes: Uint8Array): void {
    const taken = bytes.slice(0, MOST_OUTPUT_BYTES - this.#bytes);
    this.#bytes += taken.length;
    if (taken.length > 0) this.#chunks.push(taken);
  }

  text(): string {
    const decoder = new TextDecoder();
    return this.#chunks.map((chunk) => decoder.decode(chunk, { stream: true }))
      .join("") + decoder.decode();
  }
}

/** The container's own process, with another command. */
function writeProcess(
  file: string,
  bundle: string,
  args: readonly string[],
): void {
  const spec = JSON.parse(Deno.readTextFileSync(`${bundle}/config.json`));
  const process = { ...spec.process, args, terminal: false };
  Deno.writeTextFileSync(file, JSON.stringify(process), { mode: 0o600 });
}
