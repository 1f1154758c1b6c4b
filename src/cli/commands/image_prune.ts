import { anyPlatform } from "../../engine/images_platform.ts";
import { pruneImages } from "../../engine/prune.ts";
import type { Invocation } from "../command.ts";
import { confirm } from "../confirm.ts";
import { humanSizePrecise } from "../format/human.ts";
import { pruneFilter } from "../prune_filter.ts";
import { showDropped, showRemoved } from "../removed.ts";

/** `coracle image prune` */
export async function run(inv: Invocation): Promise<number> {
  // Before anything is asked: this may start the command again.
  const services = await inv.services();
  const all = inv.flags.boolean("all");
  const filter = pruneFilter(inv.flags.list("filter"), inv.now());
  const what = all
    ? "all images that no container uses"
    : "all images that have no name";
  if (!await confirm(inv, [`WARNING! This will remove ${what}.`])) return 0;
  const report = await pruneImages(inv.ctx, services, {
    ...filter,
    which: all ? "unused" : "nameless",
    wanted: anyPlatform(),
  });
  if (report.removed.length > 0) {
    inv.stdout.line("Deleted Images:");
    showRemoved(inv.stdout, report.removed);
    inv.stdout.line();
  }
  showDropped(inv.stdout, report.ingestsDropped);
  const freed = humanSizePrecise(report.bytesFreed);
  inv.stdout.line(`Total reclaimed space: ${freed}`);
  return 0;
}
