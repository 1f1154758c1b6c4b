/** Unpacking where the content is another process's. */

import type { Context } from "../base/context.ts";
import { LABEL } from "../core/labels.ts";
import type { OnProgress } from "../core/progress.ts";
import type { Services } from "../core/services.ts";
import { addLabels } from "./images_content.ts";
import { type OrderedLayers, unpackInOrder } from "./unpack_in_order.ts";
import { committedCount } from "./unpack_layers.ts";

/**
 * Makes the chain of snapshots of layers that are content already: we say what
 * is to be unpacked where, and the other process does it.
 */
export async function unpackElsewhere(
  ctx: Context,
  services: Services,
  job: OrderedLayers,
  onProgress: OnProgress,
): Promise<void> {
  const { layers } = job;
  const done = await committedCount(ctx, services, job);
  const missing = layers.slice(done);
  const ordered = { ...job, layers: missing };
  await unpackInOrder(ctx, services, ordered, onProgress);
  for (const { layer, diffId } of layers) {
    const labels = { [LABEL.uncompressed]: diffId };
    await addLabels(ctx, services.content, layer.digest, labels);
  }
}
