/** Where the bytes of layers come from, and what becomes of them. */

import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import { type EngineError, hasCode, notFound } from "../base/errors.ts";
import type { IngestFile, LocalContentStore } from "../core/content.ts";
import type { Labels } from "../core/labels.ts";
import type { Fetcher } from "../core/registry.ts";
import type { LayerSource, UnpackedLayer } from "../core/unpack.ts";
import type { Descriptor } from "../oci/image_spec.ts";
import { ingestRef } from "./fetch_blob.ts";
import { waitForTurn } from "./fetch_turn.ts";
import { addLabels } from "./images_content.ts";

/** A layer that can be read; disposing leaves a download to be resumed. */
export interface LayerAccess extends AsyncDisposable {
  readonly origin: "store" | "registry";
  readonly source: LayerSource;
  /** Makes it content, now that all of it was hashed. */
  commit(ctx: Context, verified: UnpackedLayer, labels: Labels): Promise<void>;
  /** Throws away bytes that proved to be wrong, so that the next try is clean. */
  discard(ctx: Context): Promise<void>;
  /**
   * Bytes that were just sent proved to be wrong.
   * @throws {EngineError} if nobody else has the layer
   */
  distrust(ctx: Context, error: EngineError): Promise<void>;
}

/** Layers that must be in the store already. */
export async function storedLayer(
  ctx: Context,
  content: LocalContentStore,
  layer: Descriptor,
): Promise<LayerAccess> {
  const path = await content.blobPath(ctx, layer.digest);
  return {
    origin: "store",
    source: { kind: "file", path },
    commit: (ctx, { digest }, labels) =>
      addLabels(ctx, content, digest, labels),
    discard: (ctx) => content.delete(ctx, layer.digest),
    distrust: (_ctx, error) => Promise.reject(error),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/**
 * A layer from the store or, if it isn't there, from the registry; while
 * another process downloads it, this one waits.
 */
export async function fetchedLayer(
  ctx: Context,
  content: LocalContentStore,
  fetcher: Fetcher,
  layer: Descriptor,
  onWait: () => void,
): Promise<LayerAccess> {
  for (;;) {
    try {
      const ingest = await waitForTurn(
        ctx,
        () => content.ingestFile(ctx, ingestRef(layer), layer),
        onWait,
      );
      return {
        origin: "registry",
        source: {
          kind: "download",
          path: ingest.path,
          offset: ingest.offset,
          open: (offset) => fetcher.fetch(ctx, layer, { offset }),
        },
        commit: (ctx, { digest, size }, labels) =>
          commitOrFind(ctx, content, ingest, { digest, size }, labels),
        discard: () => ingest.discard(),
        distrust: (ctx, error) => fetcher.distrust(ctx, layer, error),
        [Symbol.asyncDispose]: () => ingest[Symbol.asyncDispose](),
      };
    } catch (error) {
      if (!hasCode(error, "alreadyExists")) throw error;
    }
    try {
      return await storedLayer(ctx, content, layer);
    } catch (error) {
      // Collected at this very moment: then it has to be fetched after all.
      if (!hasCode(error, "notFound")) throw error;
    }
  }
}

async function commitOrFind(
  ctx: Context,
  content: LocalContentStore,
  ingest: IngestFile,
  verified: { readonly digest: Digest; readonly size: number },
  labels: Labels,
): Promise<void> {
  try {
    await ingest.commitVerified(ctx, verified, labels);
  } catch (error) {
    // Somebody has stored it under another ref, as `load` does.
    if (!hasCode(error, "alreadyExists")) throw error;
    await addLabels(ctx, content, verified.digest, labels);
  }
}

/** For images that cannot be fetched: says which layer is missing. */
export async function requiredLayer(
  ctx: Context,
  content: LocalContentStore,
  layer: Descriptor,
): Promise<LayerAccess> {
  try {
    return await storedLayer(ctx, content, layer);
  } catch (error) {
    if (!hasCode(error, "notFound")) throw error;
    throw notFound("layer", layer.digest, {
      cause: error,
      hint: "Pull the image again",
    });
  }
}
