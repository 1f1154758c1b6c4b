/** Asking a container of ours at intervals how it is. */

import type { HealthCheck } from "../../core/container_settings.ts";
import type { KeepRequest } from "../../core/keeper.ts";
import type { HealthResult, HealthStatus } from "../../core/task_status.ts";
import { containerGroup, isFrozen } from "../../runtime/cgroup.ts";
import type { RuntimeControl } from "../../runtime/control.ts";
import { closeFd, makePipe, setBlocking } from "../../sys/descriptors.ts";
import type { Poller } from "../../sys/poller.ts";
import { exitCodeOf, sendSignal } from "../../sys/process.ts";
import type { Reaper } from "../../sys/reaper.ts";
import { SIGNALS } from "../../sys/signals.ts";
import {
  beginHealthRounds,
  HEALTH_TOPIC,
  LATE,
  MOST_OUTPUT_BYTES,
  ProbeOutput,
  probeProcess,
} from "./health_rounds.ts";
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

/** Probes until disposed. */
export function watchHealth(deps: HealthDeps, check: HealthCheck): Disposable {
  const { now, report, request, publish, pid } = deps;
  const prober = new Prober(deps, check);
  return beginHealthRounds({
    ...{ now, report },
    probe: async () => {
      const group = containerGroup(pid, request.id);
      const isPaused = group !== undefined && isFrozen(group) === true;
      return isPaused ? undefined : await prober.probe();
    },
    changed: (status) =>
      publish(request, HEALTH_TOPIC, { id: request.id, status }),
  }, check);
}

class Prober {
  readonly #deps: HealthDeps;
  readonly #check: HealthCheck;
  #probes = 0;

  constructor(deps: HealthDeps, check: HealthCheck) {
    this.#deps = deps;
    this.#check = check;
  }

  async probe(): Promise<HealthResult> {
    const { request, control, poller, reaper, now } = this.#deps;
    const start = now().toISOString();
    const file = `${request.bundle}/.health.json`;
    const output = makePipe();
    setBlocking(output.read, "nonblocking");
    const capture = new ProbeOutput();
    const buffer = new Uint8Array(MOST_OUTPUT_BYTES);
    const reader = new OutputReader(
      poller,
      output.read,
      buffer,
      (bytes) => capture.add(bytes),
    );
    let exitCode: number;
    try {
      const process = probeProcess(request.bundle, this.#check);
      Deno.writeTextFileSync(file, JSON.stringify(process), { mode: 0o600 });
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
      if (exitCode === LATE) capture.noteLate(this.#check);
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

  /** @returns `LATE` if it did not end in time */
  async #waitFor(pid: number, reaper: Reaper): Promise<number> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      sendSignal(pid, SIGNALS.SIGKILL);
    }, this.#check.timeoutMs);
    const code = exitCodeOf(await reaper.wait(pid));
    clearTimeout(timer);
    return isLate ? LATE : code;
  }
}
