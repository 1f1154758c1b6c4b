import { reconcile } from "../engine/reconcile.ts";
import type { Invocation } from "./command.ts";

/**
 * Finishes containers whose process was killed, before a command shows or
 * removes containers: else they would be running for ever.
 */
export async function tidyContainers(inv: Invocation): Promise<void> {
  const { services, paths } = await inv.store();
  await reconcile(inv.ctx, {
    services,
    volumesPath: `${paths.root}/volumes`,
    now: inv.now,
  });
}
