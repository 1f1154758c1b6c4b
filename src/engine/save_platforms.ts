/** What there is of an image for several platforms. */

import type { Context } from "../base/context.ts";
import { digestOf } from "../base/hash.ts";
import type { ContentStore } from "../core/content.ts";
import { readBlob } from "../core/verified.ts";
import {
  type Descriptor,
  parseIndex,
  parseManifest,
} from "../oci/image_spec.ts";
import { isIndex, MEDIA_TYPE } from "../oci/media_types.ts";
import { isPresent } from "./images_content.ts";

/** An index of several platforms that can be saved. */
export interface SavedPlatforms {
  /** The image's own index, or one of less. */
  readonly index: Descriptor;
  /** Of `index`, if the store has no such content. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  /** All that it refers to, each before what refers to it. */
  readonly blobs: readonly Descriptor[];
}

/**
 * Undefined for an image of one platform, or of which the store has only one.
 * Without what is missing, the index is another one.
 */
export async function platformsOf(
  ctx: Context,
  store: ContentStore,
  target: Descriptor,
): Promise<SavedPlatforms | undefined> {
  if (!isIndex(target.mediaType)) return undefined;
  const { blobs, manifests, isWhole } = await presentOf(ctx, store, target);
  if (manifests.length < 2) return undefined;
  if (isWhole) return { index: target, blobs };
  const mediaType = MEDIA_TYPE.ociIndex;
  const bytes = new TextEncoder().encode(
    JSON.stringify({ schemaVersion: 2, mediaType, manifests }),
  );
  const digest = await digestOf(bytes);
  return { index: { mediaType, digest, size: bytes.length }, bytes, blobs };
}

interface Present {
  readonly blobs: readonly Descriptor[];
  /** Of which all parts are there. */
  readonly manifests: readonly Descriptor[];
  /** False if something is missing. */
  readonly isWhole: boolean;
}

const NOTHING: Present = { blobs: [], manifests: [], isWhole: false };

async function presentOf(
  ctx: Context,
  store: ContentStore,
  target: Descriptor,
): Promise<Present> {
  if (!await isPresent(ctx, store, target.digest)) return NOTHING;
  const bytes = await readBlob(ctx, store, target);
  if (!isIndex(target.mediaType)) {
    const { config, layers } = parseManifest(bytes);
    for (const { digest } of [config, ...layers]) {
      if (!await isPresent(ctx, store, digest)) return NOTHING;
    }
    const blobs = [config, ...layers, target];
    return { blobs, manifests: [target], isWhole: true };
  }
  const found: Present[] = [];
  for (const child of parseIndex(bytes).manifests) {
    found.push(await presentOf(ctx, store, child));
  }
  const isWhole = found.every((child) => child.isWhole);
  return {
    blobs: [...found.flatMap(({ blobs }) => blobs), ...isWhole ? [target] : []],
    manifests: found.flatMap(({ manifests }) => manifests),
    isWhole,
  };
}
