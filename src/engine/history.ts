import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import type { Services } from "../core/services.ts";
import type { HistoryEntry } from "../oci/image_spec.ts";
import type { PlatformChoice } from "./images_content.ts";
import { findContent } from "./images_of_platform.ts";
import { snapshotChain, topSnapshot } from "./images_summary.ts";

/** One step in the making of an image. */
export interface HistoryStep {
  /** The image's ID at the newest step; the others have none of their own. */
  readonly id?: Digest;
  readonly createdAt?: Date;
  readonly createdBy: string;
  readonly comment: string;
  /** Bytes: of the layer, unpacked if known; 0 if the step made none. */
  readonly sizeBytes: number;
}

/**
 * Steps, newest first.
 * @throws {EngineError} `notFound`
 */
export async function imageHistory(
  ctx: Context,
  services: Services,
  text: string,
  wanted: PlatformChoice,
): Promise<readonly HistoryStep[]> {
  const { content } = await findContent(ctx, services, text, wanted);
  const { manifest, config } = content;
  const sizes = await layerSizes(ctx, services, manifest.config.digest) ??
    manifest.layers.map((layer) => layer.size);
  const entries: readonly HistoryEntry[] = config.history ??
    config.rootfs.diff_ids.map(() => ({}));
  let layer = 0;
  const steps = entries.map((entry): HistoryStep => {
    const size = entry.empty_layer === true ? 0 : sizes[layer++] ?? 0;
    return {
      ...entry.created === undefined
        ? {}
        : { createdAt: new Date(entry.created) },
      createdBy: entry.created_by ?? "",
      comment: entry.comment ?? "",
      sizeBytes: size,
    };
  }).reverse();
  const [newest, ...older] = steps;
  return newest === undefined
    ? []
    : [{ id: manifest.config.digest, ...newest }, ...older];
}

/** Sizes of the unpacked layers, lowest first; undefined if not unpacked. */
async function layerSizes(
  ctx: Context,
  services: Services,
  config: Digest,
): Promise<readonly number[] | undefined> {
  const top = await topSnapshot(ctx, services, config);
  const snapshotter = services.snapshotters.get(services.defaultSnapshotter);
  if (top === undefined || snapshotter === undefined) return undefined;
  const sizes: number[] = [];
  for (const name of await snapshotChain(ctx, services, top)) {
    sizes.unshift((await snapshotter.usage(ctx, name)).sizeBytes);
  }
  return sizes;
}
