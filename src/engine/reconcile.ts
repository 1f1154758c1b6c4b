/** Finishes what killed processes left behind. */

import type { Context } from "../base/context.ts";
import { EngineError, unlessMissing } from "../base/errors.ts";
import type { Bundle, TaskRef } from "../core/task.ts";
import type { TaskStatus } from "../core/task_status.ts";
import { discardBundle, discardContainer, finishContainer } from "./finish.ts";
import { containerName } from "./inspect_find.ts";
import type { LifeDeps } from "./life_deps.ts";
import { isForeignRuntime } from "./runtime_name.ts";
import { lostStatus } from "./task_end.ts";

/**
 * Finishes all bundles that nobody keeps any more. What can't be finished is
 * logged, and left for the next time.
 * @returns ids of the containers that were finished
 */
export async function reconcile(
  ctx: Context,
  deps: LifeDeps,
): Promise<readonly string[]> {
  const finished: string[] = [];
  for (const bundle of deps.services.bundles.abandoned(ctx)) {
    using held = bundle;
    const { id, namespace } = held.record;
    try {
      const done = await finishAbandoned({ ...ctx, namespace }, deps, held);
      if (done) finished.push(id);
    } catch (error) {
      ctx.log.warn("Cannot clean up after a container", { id, error });
    }
  }
  return finished;
}

/**
 * Finishes a bundle that nobody keeps: with the end that was seen, or else as
 * killed, and says so.
 * @returns false if it lives, kept by somebody who holds no bundles
 */
export async function finishAbandoned(
  ctx: Context,
  deps: LifeDeps,
  bundle: Bundle,
): Promise<boolean> {
  const { record } = bundle;
  const written = await endOf(ctx, deps, bundle);
  if (written === "alive") return false;
  ctx.log.debug("Cleaning up after a container", { id: record.id });
  await deps.services.tasks.destroy(ctx, record);
  if (written === undefined) await neverStarted(ctx, deps, bundle);
  else if (written.state === "stopped") {
    await finishContainer(ctx, deps, bundle, written);
  } else {
    const lost = written.state === "restarting" && written.exit !== undefined
      ? { ...written, state: "stopped" as const }
      : lostStatus(written, deps.now());
    await tellOfLoss(ctx, deps, bundle, lost);
    await finishContainer(ctx, deps, bundle, lost);
  }
  return true;
}

/**
 * A shim that is not ours holds no bundle: only it knows. What a client of the
 * daemon has started stays until he deletes it.
 */
async function endOf(
  ctx: Context,
  { services }: LifeDeps,
  bundle: Bundle,
): Promise<TaskStatus | "alive" | undefined> {
  const { record } = bundle;
  if (!isForeignRuntime(record.runtime)) return bundle.status();
  const task = await services.tasks.find(ctx, record);
  // Whoever looks for it writes down what it finds.
  if (task === undefined) return bundle.status();
  if (record.removal === "byClient") return "alive";
  const status = await task.status(ctx);
  if (status.state === "stopped") return status;
  // Whoever starts one holds its bundle: that command was killed.
  return status.state === "created" ? bundle.status() : "alive";
}

/**
 * Its command was killed before it had started anything. A container that was
 * not complete goes with it; one that was is as it was before.
 */
async function neverStarted(
  ctx: Context,
  deps: LifeDeps,
  bundle: Bundle,
): Promise<void> {
  const { id, removal } = bundle.record;
  const container = await unlessMissing(deps.services.containers.get(ctx, id));
  const isWhole = removal === "byClient" ||
    (container?.spec !== undefined && removal === "keep");
  if (!isWhole) return await discardContainer(ctx, deps, bundle);
  await discardBundle(ctx, deps, bundle);
}

async function tellOfLoss(
  ctx: Context,
  deps: LifeDeps,
  { record }: Bundle,
  { exit }: TaskStatus,
): Promise<void> {
  const container = await unlessMissing(
    deps.services.containers.get(ctx, record.id),
  );
  // Somebody has removed it, and did not know of this bundle.
  if (container === undefined) return;
  const name = containerName(container);
  ctx.log.warn(
    exit?.certainty === "guessed"
      ? `Container "${name}" was killed, because the process that kept it ` +
        `was; nobody saw it end, exit code ${exit.exitCode} is a guess`
      : `Container "${name}" is not started again, because the process that ` +
        "kept it was killed",
    { id: record.id },
  );
}

const SETTLE_BUDGET_MS = 10_000;
const PAUSE_MS = 5;

/**
 * Waits until nothing is left of a task that has ended or is just ending,
 * doing what is left to do if nobody else does.
 * @throws {EngineError} `deadlineExceeded` if somebody goes on keeping it
 */
export async function settle(
  ctx: Context,
  deps: LifeDeps,
  task: TaskRef,
): Promise<void> {
  const { bundles } = deps.services;
  for (let waited = 0; waited < SETTLE_BUDGET_MS; waited += PAUSE_MS) {
    ctx.signal.throwIfAborted();
    if (bundles.find(ctx, task) === undefined) return;
    using bundle = bundles.claim(ctx, task);
    if (bundle !== undefined && await finishAbandoned(ctx, deps, bundle)) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new EngineError(
    "deadlineExceeded",
    `Cannot finish container "${task.id}": it does not end`,
    { hint: "Try again; coracle fsck says what is left of it" },
  );
}
