/** Asking a container once how it is, by a process that its daemon starts. */

import type { Context } from "../../base/context.ts";
import { EngineError, hasCode } from "../../base/errors.ts";
import { within } from "../../base/within.ts";
import type { HealthCheck } from "../../core/container_settings.ts";
import type { ProcessRef, ShimService } from "../../core/shim.ts";
import type { HealthResult } from "../../core/task_status.ts";
import {
  LATE,
  MOST_OUTPUT_BYTES,
  ProbeOutput,
  probeProcess,
} from "../../shim/keeper/health_rounds.ts";
import { OutputReader } from "../../shim/keeper/output.ts";
import { closeFd, makeFifo, openFifo } from "../../sys/descriptors.ts";
import { lockProbes } from "./probe_lock.ts";
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
  const { now, id } = deps;
  const start = now().toISOString();
  const output = new ProbeOutput();
  let exitCode: number;
  try {
    using fifo = openOutput(deps, output);
    const process = { id, execId: `health-${crypto.randomUUID()}` };
    {
      await using probe = await startProbe(ctx, deps, process, fifo.path);
      if (probe === undefined) return undefined;
      exitCode = await endOf(ctx, deps, process);
    }
    // It has all that the probe wrote when the shim has closed its end.
    await within(DRAIN_MS, fifo.ended);
    if (exitCode === LATE) output.noteLate(deps.check);
  } catch (error) {
    if (hasCode(error, "notFound", "unavailable")) return undefined;
    const { message } = EngineError.from(error);
    output.add(new TextEncoder().encode(message));
    exitCode = -1;
  }
  return { start, end: now().toISOString(), exitCode, output: output.text() };
}

/**
 * Disposing deletes it.
 * @param output path of a FIFO
 * @returns undefined if the container does not run
 */
async function startProbe(
  ctx: Context,
  { shim, id, bundle, check }: ProbeDeps,
  process: ProcessRef,
  output: string,
): Promise<AsyncDisposable | undefined> {
  await using owned = new AsyncDisposableStack();
  using _alone = await lockProbes(bundle);
  const { status } = await shim.state(ctx, { id, execId: "" });
  if (status !== "running") return undefined;
  const spec = probeProcess(bundle, check);
  const value = new TextEncoder().encode(JSON.stringify(spec));
  await shim.exec(ctx, {
    ...{ ...process, stdin: "", stdout: output, stderr: output },
    terminal: false,
    spec: { typeUrl: PROCESS_TYPE, value },
  });
  owned.defer(() => shim.delete(ctx, process).then(() => {}, () => {}));
  await shim.start(ctx, process);
  return owned.move();
}

/** @returns `LATE` if it did not end in time */
async function endOf(
  ctx: Context,
  { shim, check }: ProbeDeps,
  process: ProcessRef,
): Promise<number> {
  const ended = shim.wait(ctx, process);
  ended.catch(() => {});
  const isInTime = await within(check.timeoutMs, ended);
  if (!isInTime) {
    const signal = SIGNALS.SIGKILL;
    await shim.kill(ctx, { ...process, signal, scope: "process" });
  }
  const { exitCode } = await ended;
  return isInTime ? exitCode : LATE;
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
