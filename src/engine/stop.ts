/** Asks a container to end, and ends it if it doesn't. */

import type { Context } from "../base/context.ts";
import { EngineError, hasCode, unlessMissing } from "../base/errors.ts";
import { SIGNALS } from "../base/signals.ts";
import type { Container } from "../core/container.ts";
import { settingsOf } from "../core/container_settings.ts";
import type { ExitStatus, Task } from "../core/task.ts";
import { DEFAULT_STOP_TIMEOUT_SECONDS } from "./container_plan.ts";
import { containerName } from "./inspect_find.ts";
import { containerStatus, isAlive } from "./inspect_state.ts";
import type { LifeDeps } from "./life_deps.ts";
import { leaveMonitor } from "./leave_monitor.ts";
import { settle } from "./reconcile.ts";

export interface StopOptions {
  /** Number of the signal; the container's own if absent. */
  readonly signal?: number;
  /** The container's own if absent; below zero there is no limit. */
  readonly timeoutSeconds?: number;
}

/** How long a process may take to end that can't do anything about it. */
const KILL_BUDGET_MS = 30_000;
const KILL_AGAIN_MS = 1_000;
const KILL_TRIES = 5;

/** One that is not running is left as it is. */
export async function stopContainer(
  ctx: Context,
  deps: LifeDeps,
  container: Container,
  options: StopOptions = {},
): Promise<void> {
  const settings = settingsOf(container);
  const signal = options.signal ?? settings?.stopSignal ?? SIGNALS.SIGTERM;
  const seconds = options.timeoutSeconds ?? settings?.stopTimeoutSeconds ??
    DEFAULT_STOP_TIMEOUT_SECONDS;
  await endTask(ctx, deps, container, async (task, state, ended) => {
    if (state === "restarting") return;
    // Without time to end there is nothing to ask for.
    if (seconds === 0) return await kill(ctx, task, ended);
    await ignoreEnded(task.kill(ctx, signal, "init"));
    // Asleep it would not hear.
    if (state === "paused") await resume(ctx, task);
    const budgetMs = seconds < 0 ? Infinity : seconds * 1000;
    // It may have ended by itself, and be gone, before anybody waited.
    if (await endsWithin(unlessMissing(ended), budgetMs)) return;
    await kill(ctx, task, ended);
  });
}

/** Ends a container at once, whatever it is doing. */
export async function killNow(
  ctx: Context,
  deps: LifeDeps,
  container: Container,
): Promise<void> {
  await endTask(ctx, deps, container, async (task, state, ended) => {
    if (state === "restarting") return;
    if (state === "paused") {
      await ignoreEnded(task.kill(ctx, SIGNALS.SIGKILL, "all"));
      await resume(ctx, task);
    }
    await kill(ctx, task, ended);
  });
}

/** It may have ended since, or others may let it go on. */
async function resume(ctx: Context, task: Task): Promise<void> {
  try {
    await ignoreEnded(task.resume(ctx));
  } catch (error) {
    if (!hasCode(error, "failedPrecondition")) throw error;
  }
}

/**
 * Once may not be enough: who was just about to start it anew may do so after
 * that, and what is waited for is then another life of it.
 */
async function kill(
  ctx: Context,
  task: Task,
  ended: Promise<ExitStatus>,
): Promise<void> {
  for (let tries = 0; tries < KILL_TRIES; tries++) {
    await ignoreEnded(task.kill(ctx, SIGNALS.SIGKILL, "all"));
    if (await endsWithin(ignoreEnded(ended), KILL_AGAIN_MS)) return;
  }
}

/** Does what `act` does to make a task end, and waits until it has ended. */
async function endTask(
  ctx: Context,
  deps: LifeDeps,
  container: Container,
  act: (
    task: Task,
    state: string,
    ended: Promise<ExitStatus>,
  ) => Promise<void>,
): Promise<void> {
  const { services } = deps;
  const ref = { namespace: ctx.namespace, id: container.id };
  const status = await containerStatus(ctx, services, container);
  const task = isAlive(status)
    ? await services.tasks.find(ctx, ref)
    : undefined;
  if (task !== undefined) {
    await ignoreEnded(task.retire(ctx));
    await leaveMonitor(ctx, services, container);
    // Its next life may have begun before anybody heard that there is to be none.
    const { state } = status.state === "restarting"
      ? await containerStatus(ctx, services, container)
      : status;
    const ended = task.wait(ctx);
    // It is awaited below, but may fail before.
    ended.catch(() => {});
    await act(task, state, ended);
    if (!await endsWithin(ignoreEnded(ended), KILL_BUDGET_MS)) {
      throw new EngineError(
        "deadlineExceeded",
        `Cannot stop container "${containerName(container)}": its process ` +
          "does not end",
      );
    }
  }
  // What a client of the daemon has started stays until it is deleted.
  const bundle = services.bundles.find(ctx, ref);
  if (bundle?.record.removal !== "byClient") await settle(ctx, deps, ref);
}

async function endsWithin(
  ended: Promise<unknown>,
  budgetMs: number,
): Promise<boolean> {
  if (budgetMs === Infinity) {
    await ended;
    return true;
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), budgetMs);
  });
  try {
    return await Promise.race([ended.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What has ended by itself needs no more. */
async function ignoreEnded(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!hasCode(error, "notFound", "unavailable")) throw error;
  }
}
