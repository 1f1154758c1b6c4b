/**
 * `coracle system reconcile [ID]`: opening the store finishes what has ended.
 * Run by a shim when its container has ended for good, or by a logger when the
 * container's process has; that may be after somebody has deleted the store.
 */

import { hasCode } from "../../base/errors.ts";
import type { Invocation } from "../command.ts";

export async function run(inv: Invocation): Promise<number> {
  const [ended] = inv.args;
  try {
    await inv.store({
      ifAbsent: "fail",
      ...ended === undefined ? {} : { ended },
    });
  } catch (error) {
    if (!hasCode(error, "notFound")) throw error;
    inv.ctx.log.debug("There is no store any more", { error });
    const { findStore } = await import("../../app/connect.ts");
    const { paths } = await findStore({ ...inv.global, log: inv.ctx.log });
    const { removeOrphanBundles } = await import("../../app/orphan_bundles.ts");
    await removeOrphanBundles(inv.ctx, paths.state);
  }
  return 0;
}
