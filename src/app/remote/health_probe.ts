/** Asking a container once how it is, by a process that its daemon starts. */

import type { Context } from "../../base/context.ts";
import { EngineError, hasCode } from "../../base/errors.ts";
import { within } from "../../base/within.ts";
import type { HealthCheck } from "../../core/container_settings.ts";
import type { ProcessRef, ShimService } from "../../core/shim.ts";
import type { HealthResult } from "../../core/task_status.ts";
import {
  MOST_OUTPUT_BYTES,
  ProbeOutput,
  probeProcess,
} from "../../shim/keeper/health_rounds.ts";
import { OutputReader } from "../../shim/keeper/output.ts";
import { closeFd, makeFifo, openFifo } from "../../sys/descriptors.ts";
import type { Poller } from "../../sys/poller.ts";
import { SIGNALS } from "../../sys/signals.ts";

export interface ProbeDeps {
  readonly shim: ShimService;
  readonly poller: Poller;
  readonly now: () => Date;
  /** Of the container. */
  readonly id: string;
  /** Its bundle of this side, with its spec. */
  readonly bundle: string;
  readonly check: HealthCheck;
}

const PROCESS_TYPE =
  "types.containerd.io/opencontainers/runtime-spec/1/Process";

/** In which the shim closes what the probe had. */
const DRAIN_MS = 1_000;

/** @returns undefined if it does not run, or its daemon does not answer */
export async function probeOnce(
  ctx: Context,
  deps: ProbeDeps,
): Promise<HealthResult | undefined> {
  const { shim, now, id, bundle, check } = deps;
  const start = now().toISOString();
  const output = new ProbeOutput();
  let exitCode: number;
  try {
    const { status } = await shim.state(ctx, { id, execId: "" });
    if (status !== "running") return undefined;
    using fifo = openOutput(deps, output);
    const process = { id, execId: `health-${crypto.randomUUID()}` };
    const { path } = fifo;
    const stdio = { stdin: "", stdout: path, stderr: path, terminal: false };
    const spec = probeProcess(bundle, check);
    const value = new TextEncoder().encode(JSON.stringify(spec));
    await shim.exec(ctx, {
      ...{ ...process, ...stdio },
      spec: { typeUrl: PROCESS_TYPE, value },
    });
    exitCode = await runProbe(ctx, deps, process);
    // It has all that the probe wrote when the shim has closed its end.
    await within(DRAIN_MS, fifo.ended);
  } catch (error) {
    if (hasCode(error, "notFound", "unavailable")) return undefined;
    const { message } = EngineError.from(error);
    output.add(new TextEncoder().encode(message));
    exitCode = -1;
  }
  return { start, end: now().toISOString(), exitCode, output: output.text() };
}

/** @returns -1 if it did not end in time */
async function runProbe(
  ctx: Context,
  { shim, check }: ProbeDeps,
  process: ProcessRef,
): Promise<number> {
  try {
    await shim.start(ctx, process);
    const ended = shim.wait(ctx, process);
    ended.catch(() => {});
    const isInTime = await within(check.timeoutMs, ended);
    if (!isInTime) {
      const signal = SIGNALS.SIGKILL;
      await shim.kill(ctx, { ...process, signal, scope: "process" });
    }
    const { exitCode } = await ended;
    return isInTime ? exitCode : -1;
  } finally {
    await shim.delete(ctx, process).catch(() => {});
  }
}

interface ProbeFifo extends Disposable {
  readonly path: string;
  readonly ended: Promise<void>;
}

function openOutput(
  { poller, bundle }: ProbeDeps,
  output: ProbeOutput,
): ProbeFifo {
  using owned = new DisposableStack();
  Deno.mkdirSync(`${bundle}/io`, { recursive: true, mode: 0o700 });
  const path = `${bundle}/io/health-${crypto.randomUUID()}`;
  makeFifo(path, 0o600);
  owned.defer(() => removeIfThere(path));
  const fd = owned.adopt(openFifo(path, "read"), closeFd);
  const buffer = new Uint8Array(MOST_OUTPUT_BYTES);
  const take = (bytes: Uint8Array) => output.add(bytes);
  const reader = new OutputReader(poller, fd, buffer, take);
  owned.defer(() => reader.stop());
  const kept = owned.move();
  return {
    ...{ path, ended: reader.ended },
    [Symbol.dispose]: () => kept.dispose(),
  };
}

/** The bundle may have gone. */
function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
