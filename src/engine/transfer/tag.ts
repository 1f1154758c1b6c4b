/** Image store to image store: a further name. */

import type { Context } from "../../base/context.ts";
import type { Services } from "../../core/services.ts";
import type { ImageStoreEnd } from "../../core/transfer.ts";
import { withLease } from "../images_lease.ts";
import { plainNames, putNames } from "./image_names.ts";

export async function transferTag(
  ctx: Context,
  services: Services,
  source: ImageStoreEnd,
  destination: ImageStoreEnd,
): Promise<void> {
  await withLease(ctx, services.leases, async (leased) => {
    const { target } = await services.images.get(leased, source.name);
    const names = plainNames(destination, target);
    const { labels } = destination;
    await putNames(leased, services, names, { target, labels });
  });
}
