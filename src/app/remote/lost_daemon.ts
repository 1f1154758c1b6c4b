/** Waiting for processes of a daemon's, who may go away meanwhile. */

import { type Context, DEFAULT_NAMESPACE } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import { sleep } from "../../base/sleep.ts";
import type { ProcessRef } from "../../core/shim.ts";
import type { ExitStatus } from "../../core/task.ts";
import type { TaskService } from "../../core/task_service.ts";
import type { TaskStatus } from "../../core/task_status.ts";
import { LostDaemonError } from "../../core/through_socket.ts";
import { isSameProcess } from "../../runtime/same_process.ts";

/** In which a daemon that is started anew answers again. */
const PATIENCE_MS = 5_000;
const PAUSE_MS = 100;

/**
 * The shim keeps the process while its daemon is started anew.
 * @throws {EngineError} `unavailable` if that does not happen
 */
export async function waitPatiently(
  ctx: Context,
  tasks: Pick<TaskService, "wait">,
  process: ProcessRef,
): Promise<ExitStatus> {
  for (let lostMs = 0;; lostMs += PAUSE_MS) {
    const asked = performance.now();
    try {
      return await tasks.wait(ctx, process);
    } catch (error) {
      if (!hasCode(error, "unavailable")) throw error;
      // There was a daemon, which has gone only now.
      if (performance.now() - asked > PAUSE_MS) lostMs = 0;
      if (lostMs >= PATIENCE_MS) throw error;
    }
    await sleep(PAUSE_MS, ctx.signal);
    ctx.signal.throwIfAborted();
  }
}

export interface LostTask {
  /** Of the daemon's socket. */
  readonly address: string;
  /** Of the container. */
  readonly name: string;
  /** What this side knows of its process. */
  readonly status: TaskStatus | undefined;
}

/** @returns what to throw: what is known of the container, or `error` */
export function explainLoss(
  error: unknown,
  { namespace }: Context,
  { address, name, status }: LostTask,
): unknown {
  if (!hasCode(error, "unavailable")) return error;
  const goesOn = status !== undefined && isSameProcess(status);
  const what = goesOn
    ? `container "${name}" goes on`
    : `nobody tells what has become of container "${name}"`;
  const options = namespace === DEFAULT_NAMESPACE
    ? `--address ${address}`
    : `--address ${address} --namespace ${namespace}`;
  return new LostDaemonError(
    `Lost the daemon at "${address}": ${what}, coracle ${options} ps -a ` +
      "shows it once a daemon serves there again",
    error,
  );
}
