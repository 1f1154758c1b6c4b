import type { Digest } from "../base/digest.ts";
import { dataLoss, unimplemented } from "../base/errors.ts";
import type { Descriptor, ImageConfig, Manifest } from "../oci/image_spec.ts";
import { isLayer } from "../oci/media_types.ts";
import { chainIds } from "../oci/chain_id.ts";

/** One layer of an image and its place in the chain. */
export interface PlannedLayer {
  readonly layer: Descriptor;
  readonly diffId: Digest;
  readonly chainId: Digest;
  /** Chain ID of the layer below; "" for the lowest. */
  readonly parent: Digest | "";
}

/**
 * Pairs the layers of a manifest with the diff IDs of its config.
 * @throws {EngineError} `dataLoss` if they don't match; `unimplemented` for a
 * layer of a kind that can't be unpacked
 */
export async function planLayers(
  manifest: Manifest,
  config: ImageConfig,
): Promise<readonly PlannedLayer[]> {
  const { layers } = manifest;
  const diffIds = config.rootfs.diff_ids;
  if (layers.length !== diffIds.length) {
    throw dataLoss(
      `Cannot unpack an image of ${layers.length} layers whose config ` +
        `"${manifest.config.digest}" names ${diffIds.length}`,
    );
  }
  const chain = await chainIds(diffIds);
  return layers.map((layer, index) => {
    if (!isLayer(layer.mediaType)) {
      throw unimplemented(`unpack a layer of type "${layer.mediaType}"`);
    }
    return {
      layer,
      diffId: diffIds[index] as Digest,
      chainId: chain[index] as Digest,
      parent: chain[index - 1] ?? "",
    };
  });
}
