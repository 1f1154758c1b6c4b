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
  return await askPatiently(ctx, () => tasks.wait(ctx, process));
}

/**
 * Asks again while there is no daemon.
 * @throws {EngineError} `unavailable` if none comes
 */
export async function askPatiently<T>(
  ctx: Context,
  ask: () => Promise<T>,
): Promise<T> {
  for (let lostMs = 0;; lostMs += PAUSE_MS) {
    const asked = performance.now();
    try {
      return await ask();
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
  /** `exec`: not the container's own, but one that was added; else absent. */
  readonly process?: "exec";
  /** What this side knows of the process. */
  readonly status: Pick<TaskStatus, "pid" | "pidStartTime"> | undefined;
}

export interface LostPlace {
  readonly address: string;
  readonly id: string;
  readonly nameOf: (ctx: Context) => Promise<string>;
}

/**
 * Waits for what a daemon does; if that is lost, its place is named as
 * `explainLoss` has it.
 * @param known asked for then
 */
export async function tellLoss<T>(
  ctx: Context,
  { address, id, nameOf }: LostPlace,
  work: Promise<T>,
  known: () => Pick<LostTask, "process" | "status">,
): Promise<T> {
  // Once the daemon is lost nobody tells it.
  const asked = nameOf(ctx).catch(() => id);
  try {
    return await work;
  } catch (error) {
    throw explainLoss(error, ctx, { address, name: await asked, ...known() });
  }
}

/** @returns what to throw: what is known of the process, or `error` */
export function explainLoss(
  error: unknown,
  { namespace }: Context,
  { address, name, process, status }: LostTask,
): unknown {
  if (!hasCode(error, "unavailable")) return error;
  const options = namespace === DEFAULT_NAMESPACE
    ? `--address ${address}`
    : `--address ${address} --namespace ${namespace}`;
  const shows = (command: string) =>
    `coracle ${options} ${command} shows it once a daemon serves there again`;
  const goesOn = status !== undefined && isSameProcess(status);
  const known = process === "exec"
    ? knownOfExec(goesOn, name, shows(`top ${name}`))
    : `${knownOfContainer(goesOn, name)}, ${shows("ps -a")}`;
  return new LostDaemonError(
    `Lost the daemon at "${address}": ${known}`,
    error,
  );
}

function knownOfContainer(goesOn: boolean, name: string): string {
  return goesOn
    ? `container "${name}" goes on`
    : `nobody tells what has become of container "${name}"`;
}

function knownOfExec(goesOn: boolean, name: string, shown: string): string {
  return goesOn
    ? `the command goes on in container "${name}", ${shown}`
    : `nobody tells how the command in container "${name}" has ended`;
}
