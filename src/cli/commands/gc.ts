import { parseDigest } from "../../base/digest.ts";
import type { Invocation } from "../command.ts";
import { humanSizePrecise } from "../format/human.ts";
import { showDropped } from "../removed.ts";

/** `coracle system gc [DIGEST]` */
export async function run(inv: Invocation): Promise<number> {
  const { collector } = await inv.services();
  const [digest] = inv.args;
  if (digest !== undefined) {
    const holders = await collector.why(inv.ctx, parseDigest(digest));
    if (holders.length === 0) inv.stdout.line("Nothing holds it");
    for (const holder of holders) inv.stdout.line(holder);
    return 0;
  }
  const report = await collector.collect(inv.ctx);
  inv.stdout.line(
    `Removed ${report.contentRemoved} blobs and ${report.snapshotsRemoved} ` +
      `snapshots; ${report.leasesExpired} leases and ${report.imagesExpired} ` +
      "images had expired",
  );
  showDropped(inv.stdout, report.ingestsDropped ?? 0);
  const freed = humanSizePrecise(report.bytesFreed);
  inv.stdout.line(`Total reclaimed space: ${freed}`);
  return 0;
}
