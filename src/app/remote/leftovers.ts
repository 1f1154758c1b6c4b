/** What commands of this side have started, and has ended. */

import type { Context } from "../../base/context.ts";
import type { Services } from "../../core/services.ts";
import type { BundleStore } from "../../core/task.ts";
import { endAbandonedPauses } from "../pauses.ts";
import { containersPath, type StorePaths, volumesPath } from "../paths.ts";

/**
 * Removes or records it. Loggers see to that; should one be killed, the next
 * command does, from the same state.
 * @param running ids of tasks in the context's namespace that have not ended
 */
export async function finishEnded(
  ctx: Context,
  services: Services,
  { local, paths, running }: {
    readonly local: BundleStore;
    readonly paths: StorePaths;
    readonly running: ReadonlySet<string>;
  },
): Promise<void> {
  await endAbandonedPauses(ctx, services, paths);
  const hasEnded = [...local.list(ctx)].some(({ record }) =>
    record.namespace === ctx.namespace && !running.has(record.id)
  );
  if (!hasEnded) return;
  const { reconcile } = await import("../../engine/reconcile.ts");
  await reconcile(ctx, {
    services,
    volumesPath: volumesPath(paths),
    containersPath: containersPath(paths),
    now: () => new Date(),
  });
}
