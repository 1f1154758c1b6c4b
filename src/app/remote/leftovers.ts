/** What commands of this side have started, and has ended. */

import type { Context } from "../../base/context.ts";
import type { Services } from "../../core/services.ts";
import type { BundleStore } from "../../core/task.ts";
import type { RemoteAccess } from "./logger.ts";
import { restartLater } from "./restarter.ts";
import type { Restarts } from "./restarts.ts";
import { endAbandonedPauses } from "../pauses.ts";
import { containersPath, type StorePaths, volumesPath } from "../paths.ts";

/**
 * Removes or records it, or has it restarted. Loggers see to that; should one be killed, the next
 * command does, from the same state.
 * @param running ids of tasks in the context's namespace that have not ended
 */
export async function finishEnded(
  ctx: Context,
  services: Services,
  { local, paths, running, access, restarts }: {
    readonly local: BundleStore;
    readonly paths: StorePaths;
    readonly running: ReadonlySet<string>;
    readonly access: RemoteAccess;
    readonly restarts: Restarts;
  },
): Promise<void> {
  await endAbandonedPauses(ctx, services, paths);
  const listEnded = () =>
    [...local.list(ctx)].filter(({ record }) =>
      record.namespace === ctx.namespace && !running.has(record.id)
    );
  if (listEnded().length === 0) return;
  const { reconcile } = await import("../../engine/reconcile.ts");
  await reconcile(ctx, {
    services,
    volumesPath: volumesPath(paths),
    containersPath: containersPath(paths),
    now: () => new Date(),
  });
  for (const { record, path } of listEnded()) {
    const next = await restarts.next(ctx, record.id);
    if (next.kind === "due" && next.by === "command") {
      restartLater(access, { ...record, bundle: path });
    }
  }
}
