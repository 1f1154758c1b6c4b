/** Streams live no longer than the lease that they were opened with. */

import type { Context } from "../../base/context.ts";
import type { LeaseManager } from "../../core/lease.ts";
import type { OwnStreamTable } from "./streams.ts";

/** Closes streams whose lease is gone. */
export async function dropUnleased(
  ctx: Context,
  leases: Pick<LeaseManager, "list">,
  streams: OwnStreamTable,
): Promise<void> {
  for (const { namespace, id } of streams.leases()) {
    const own = { ...ctx, namespace };
    const [lease] = await Array.fromAsync(
      leases.list(own, [`id==${JSON.stringify(id)}`]),
    );
    if (lease === undefined) streams.dropLeased(namespace, id);
  }
}
