/** Finishes what killed processes left behind. */

import type { Context } from "../base/context.ts";
import type { Bundle } from "../core/task.ts";
import { finishContainer, type FinishDeps } from "./finish.ts";

export interface ReconcileDeps extends FinishDeps {
  readonly now: () => Date;
}

/** 128 + SIGKILL. */
const KILLED = 137;

/**
 * Containers in the foreground whose runner is gone are killed and finished
 * as if they had ended by themselves. What can't be finished is logged, and
 * left for the next time.
 * @returns ids of the containers that were finished
 */
export async function reconcile(
  ctx: Context,
  deps: ReconcileDeps,
): Promise<readonly string[]> {
  const finished: string[] = [];
  for (const bundle of deps.services.bundles.abandoned(ctx)) {
    using held = bundle;
    const { id, namespace } = held.record;
    try {
      await finishAbandoned({ ...ctx, namespace }, deps, held);
      finished.push(id);
    } catch (error) {
      ctx.log.warn("Cannot clean up after a container", { id, error });
    }
  }
  return finished;
}

async function finishAbandoned(
  ctx: Context,
  deps: ReconcileDeps,
  bundle: Bundle,
): Promise<void> {
  const { record } = bundle;
  ctx.log.debug("Cleaning up after a container", { id: record.id });
  await deps.services.tasks.destroy(ctx, record);
  await finishContainer(ctx, deps, bundle, {
    exitCode: KILLED,
    exitedAt: deps.now(),
  });
}
