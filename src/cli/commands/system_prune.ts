import { anyPlatform } from "../../engine/images_platform.ts";
import { pruneImages } from "../../engine/prune.ts";
import { pruneContainers } from "../../engine/prune_containers.ts";
import type { Invocation } from "../command.ts";
import { lifeDeps } from "../life_deps.ts";
import { confirm } from "../confirm.ts";
import { humanSizePrecise } from "../format/human.ts";
import { pruneFilter } from "../prune_filter.ts";
import { showDropped, showRemoved, showRemovedVolumes } from "../removed.ts";

/** `coracle system prune` */
export async function run(inv: Invocation): Promise<number> {
  // Before anything is asked: this may start the command again.
  const deps = await lifeDeps(inv);
  const { services } = deps;
  const all = inv.flags.boolean("all");
  const withVolumes = inv.flags.boolean("volumes");
  const filter = pruneFilter(inv.flags.list("filter"), inv.now());
  const images = all
    ? "all images that no container uses"
    : "all images that have no name";
  const agreed = await confirm(inv, [
    "WARNING! This will remove:",
    "  - all containers that are not running",
    `  - ${images}`,
    ...withVolumes ? ["  - all anonymous volumes that no container uses"] : [],
    "  - all content and snapshots that nothing uses",
    `  - all unfinished downloads that nobody ${
      all ? "is at" : "has gone on with for a day"
    }`,
    "",
  ]);
  if (!agreed) return 0;
  const { removed: containers } = await pruneContainers(
    inv.ctx,
    deps,
    filter,
  );
  if (containers.length > 0) {
    const ids = containers.map(({ id }) => id);
    inv.stdout.write(`Deleted Containers:\n${ids.join("\n")}\n\n`);
  }
  const volumesFreed = withVolumes ? await volumes(inv) : 0;
  const report = await pruneImages(inv.ctx, services, {
    ...filter,
    which: all ? "unused" : "nameless",
    wanted: anyPlatform(),
    ingests: all ? "unheld" : "abandoned",
  });
  if (report.removed.length > 0) {
    inv.stdout.line("Deleted Images:");
    showRemoved(inv.stdout, report.removed);
    inv.stdout.line();
  }
  showDropped(inv.stdout, report.ingestsDropped);
  const freed = humanSizePrecise(report.bytesFreed + volumesFreed);
  inv.stdout.line(`Total reclaimed space: ${freed}`);
  return 0;
}

/** @returns bytes that have been freed */
async function volumes(inv: Invocation): Promise<number> {
  const { pruneVolumes } = await import("../../engine/prune_volumes.ts");
  const { volumeDeps } = await import("../volume_deps.ts");
  const deps = await volumeDeps(inv);
  const { removed, bytesFreed } = await pruneVolumes(
    inv.ctx,
    deps,
    "anonymous",
  );
  showRemovedVolumes(inv.stdout, removed);
  return bytesFreed;
}
