/** What a container has written, and what it goes on to write. */

import { logFilePath } from "../base/container_log/file_names.ts";
import { planLog } from "../base/container_log/settings.ts";
import type { Context } from "../base/context.ts";
import {
  type EngineError,
  failedPrecondition,
  hasCode,
} from "../base/errors.ts";
import { sleep } from "../base/sleep.ts";
import type { Container } from "../core/container.ts";
import { recordedStatus, settingsOf } from "../core/container_settings.ts";
import type { LogEntry, LogRef, ReadLogOptions } from "../core/logs.ts";
import type { Task } from "../core/task.ts";
import { LostDaemonError } from "../core/through_socket.ts";
import { containerStatus } from "./inspect_state.ts";
import { containerDirectory, type LifeDeps } from "./life_deps.ts";
import { explained } from "./while_there.ts";

export type ContainerLogOptions = Omit<ReadLogOptions, "ended">;

const FOREGROUND =
  "It runs in the foreground, where its output is; with --detach it is kept";

type LogDeps = Pick<LifeDeps, "services" | "containersPath">;

/** Where a container's log is; undefined for one that others made. */
export function logOf(
  deps: Pick<LifeDeps, "containersPath">,
  namespace: string,
  container: Container,
): LogRef | undefined {
  const settings = settingsOf(container);
  return settings && {
    directory: containerDirectory(deps, namespace, container.id),
    id: container.id,
    settings: settings.log,
  };
}

/**
 * Oldest first; with `follow: "wait"` until the container has ended, if it is
 * running.
 * @throws {EngineError} `failedPrecondition` if there is nothing to read;
 * {LostDaemonError}, behind what there is up to then
 */
export async function* containerLog(
  ctx: Context,
  deps: LogDeps,
  container: Container,
  options: ContainerLogOptions,
): AsyncIterable<LogEntry> {
  const { services } = deps;
  const log = logOf(deps, ctx.namespace, container);
  if (log === undefined) {
    throw unreadable("Who made it knows where its output goes");
  }
  const ref = { namespace: ctx.namespace, id: container.id };
  const task = await services.tasks.find(ctx, ref);
  if (!await isWritten(ctx, deps, container, log, task)) {
    // What is being removed has lost its log already.
    throw await explained(ctx, services, container, unreadable(FOREGROUND));
  }
  if (options.follow === "stop" || task === undefined) {
    yield* services.logs.read(ctx, log, { ...options, follow: "stop" });
    return;
  }
  using end = endOf(ctx, task);
  yield* services.logs.read(ctx, log, { ...options, ended: end.signal });
  const loss = end.loss();
  if (loss !== undefined) throw loss;
}

/** In which a logger begins that has just been started. */
const BEGIN_MS = 500;
const PAUSE_MS = 20;

/** What ran in the foreground gave its output to its command only. */
async function isWritten(
  ctx: Context,
  { services: { host } }: LogDeps,
  container: Container,
  log: LogRef,
  task: Task | undefined,
): Promise<boolean> {
  const plan = planLog(log.settings);
  if (plan.kind !== "files") return true;
  const started = task !== undefined ||
    recordedStatus(container)?.startedAt !== undefined;
  if (!started) return true;
  const path = logFilePath(plan.format, log);
  const patienceMs = task?.keeping === "shim" ? BEGIN_MS : 0;
  for (let waited = 0; !host.exists(path); waited += PAUSE_MS) {
    if (waited >= patienceMs) return false;
    await sleep(PAUSE_MS, ctx.signal);
  }
  return true;
}

/** Docker's words. */
function unreadable(hint: string): EngineError {
  return failedPrecondition(
    "configured logging driver does not support reading",
    { hint },
  );
}

interface TaskEnd extends Disposable {
  /** Fires when the task has ended, or can't be asked any more. */
  readonly signal: AbortSignal;
  /** If it is the daemon that can't be asked any more. */
  loss(): LostDaemonError | undefined;
}

function endOf(ctx: Context, task: Task): TaskEnd {
  const ended = new AbortController();
  const given = new AbortController();
  const signal = AbortSignal.any([ctx.signal, given.signal]);
  let loss: LostDaemonError | undefined;
  task.wait({ ...ctx, signal }).catch((error) => {
    if (error instanceof LostDaemonError) loss = error;
  }).finally(() => ended.abort());
  return {
    signal: ended.signal,
    loss: () => loss,
    [Symbol.dispose]: () => given.abort(),
  };
}

/**
 * Why a container's log lacks some of what it wrote since the user started it;
 * undefined if it does not.
 */
export async function logLoss(
  ctx: Context,
  { services }: Pick<LifeDeps, "services">,
  { id }: Container,
): Promise<string | undefined> {
  try {
    // Anew: it may have ended, or be gone, since it was followed.
    const container = await services.containers.get(ctx, id);
    return (await containerStatus(ctx, services, container)).task.logError;
  } catch (error) {
    if (hasCode(error, "notFound")) return undefined;
    throw error;
  }
}

/** Bytes of a container's log; undefined if it has none on disk. */
export async function logUsage(
  ctx: Context,
  deps: LogDeps,
  container: Container,
): Promise<number | undefined> {
  const log = logOf(deps, ctx.namespace, container);
  if (log === undefined) return undefined;
  const plan = planLog(log.settings);
  const { host, logs } = deps.services;
  return plan.kind === "files" && host.exists(logFilePath(plan.format, log))
    ? await logs.usage(ctx, log)
    : undefined;
}
