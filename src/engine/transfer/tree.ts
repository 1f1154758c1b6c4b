/** The parts of an image that is in the store. */

import type { Context } from "../../base/context.ts";
import type { ContentStore } from "../../core/content.ts";
import { readBlob } from "../../core/verified.ts";
import {
  type Descriptor,
  parseIndex,
  parseManifest,
} from "../../oci/image_spec.ts";
import { isIndex, isManifest } from "../../oci/media_types.ts";
import type { ManifestChoice } from "./platforms.ts";

export interface TreePart {
  /** Undefined for the image's target. */
  readonly parent?: Descriptor;
  readonly part: Descriptor;
}

/**
 * An image's parts, each behind what names it; of an index only what is
 * chosen.
 * @throws {EngineError} `notFound` if an index or manifest is missing
 */
export async function* walkTree(
  ctx: Context,
  content: ContentStore,
  part: Descriptor,
  choose: ManifestChoice,
  parent?: Descriptor,
): AsyncGenerator<TreePart> {
  yield parent === undefined ? { part } : { part, parent };
  for (const child of await childrenOf(ctx, content, part, choose)) {
    yield* walkTree(ctx, content, child, choose, part);
  }
}

async function childrenOf(
  ctx: Context,
  content: ContentStore,
  part: Descriptor,
  choose: ManifestChoice,
): Promise<readonly Descriptor[]> {
  if (isIndex(part.mediaType)) {
    return choose(parseIndex(await readBlob(ctx, content, part)).manifests);
  }
  if (!isManifest(part.mediaType)) return [];
  const { config, layers } = parseManifest(await readBlob(ctx, content, part));
  return [config, ...layers];
}
