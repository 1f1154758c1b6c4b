/** `coracle container prune` */

import { pruneContainers } from "../../engine/prune_containers.ts";
import type { Invocation } from "../command.ts";
import { confirm } from "../confirm.ts";
import { lifeDeps } from "../life_deps.ts";
import { humanSizePrecise } from "../format/human.ts";
import { pruneFilter } from "../prune_filter.ts";

export async function run(inv: Invocation): Promise<number> {
  // Before anything is asked: this may start the command again.
  const deps = await lifeDeps(inv);
  const filter = pruneFilter(inv.flags.list("filter"), inv.now());
  const agreed = await confirm(inv, [
    "WARNING! This will remove all stopped containers.",
  ]);
  if (!agreed) return 0;
  const { removed, bytesFreed } = await pruneContainers(inv.ctx, deps, filter);
  if (removed.length > 0) {
    const ids = removed.map(({ id }) => id);
    inv.stdout.write(`Deleted Containers:\n${ids.join("\n")}\n\n`);
  }
  const freed = humanSizePrecise(bytesFreed);
  inv.stdout.line(`Total reclaimed space: ${freed}`);
  return 0;
}
