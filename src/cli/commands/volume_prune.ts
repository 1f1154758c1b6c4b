import { pruneVolumes } from "../../engine/prune_volumes.ts";
import type { Invocation } from "../command.ts";
import { confirm } from "../confirm.ts";
import { humanSizePrecise } from "../format/human.ts";
import { showRemovedVolumes } from "../removed.ts";
import { volumeDeps } from "../volume_deps.ts";

/** `coracle volume prune [--all]` */
export async function run(inv: Invocation): Promise<number> {
  // Before anything is asked: this may start the command again.
  const deps = await volumeDeps(inv);
  const which = inv.flags.boolean("all") ? "all" : "anonymous";
  const agreed = await confirm(inv, [
    which === "all"
      ? "WARNING! This will remove all volumes that no container uses."
      : "WARNING! This will remove anonymous volumes that no container uses.",
  ]);
  if (!agreed) return 0;
  const { removed, bytesFreed } = await pruneVolumes(inv.ctx, deps, which);
  showRemovedVolumes(inv.stdout, removed);
  const freed = humanSizePrecise(bytesFreed);
  inv.stdout.line(`Total reclaimed space: ${freed}`);
  return 0;
}
