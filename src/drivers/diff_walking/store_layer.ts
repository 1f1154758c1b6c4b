import { cleanUp, type Context } from "../../base/context.ts";
import { type Digest, parseDigest } from "../../base/digest.ts";
import { hasCode, unlessMissing } from "../../base/errors.ts";
import type { ContentStore, ContentWriter } from "../../core/content.ts";
import { LABEL, type Labels } from "../../core/labels.ts";
import type { Compression } from "../../oci/media_types.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import type { Parts } from "./archive.ts";
import { compress } from "./compress.ts";

export interface LayerToStore {
  /** The tar, in batches that may be kept. */
  readonly tar: Parts;
  readonly compression: Compression;
  readonly mediaType: string;
  readonly ref: string;
  readonly labels: Labels;
}

const UNDO_BUDGET_MS = 10_000;

/**
 * Compresses a layer and stores it, hashing both forms as they pass. If that
 * fails nothing stays: nobody could go on with it.
 */
export async function storeLayer(
  ctx: Context,
  content: ContentStore,
  layer: LayerToStore,
): Promise<Descriptor & { readonly diffId: Digest }> {
  await using writer = await content.writer(ctx, layer.ref);
  try {
    return await writeLayer(ctx, content, writer, layer);
  } catch (error) {
    await cleanUp(
      ctx,
      UNDO_BUDGET_MS,
      (fresh) => unlessMissing(content.abort(fresh, layer.ref)),
    );
    throw error;
  }
}

async function writeLayer(
  ctx: Context,
  content: ContentStore,
  writer: ContentWriter,
  { tar, compression, mediaType, labels }: LayerToStore,
): Promise<Descriptor & { readonly diffId: Digest }> {
  const { createHash } = await import("node:crypto");
  const [plain, packed] = [createHash("sha256"), createHash("sha256")];
  async function* hashed(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (const batch of tar) {
      ctx.signal.throwIfAborted();
      plain.update(batch);
      yield batch;
    }
  }
  // What an earlier attempt left under this ref is not ours.
  await writer.truncate(0);
  let size = 0;
  for await (const chunk of compress(hashed(), compression)) {
    packed.update(chunk);
    size += chunk.length;
    await writer.write(chunk);
  }
  const digest = parseDigest(`sha256:${packed.digest("hex")}`);
  const diffId = parseDigest(`sha256:${plain.digest("hex")}`);
  const all = { ...labels, [LABEL.uncompressed]: diffId };
  try {
    await writer.commit(ctx, { size, digest, labels: all });
  } catch (error) {
    if (!hasCode(error, "alreadyExists")) throw error;
    const names = Object.keys(all).map((label) => `labels.${label}`);
    await content.update(ctx, { digest, labels: all }, names);
  }
  return { mediaType, digest, size, diffId };
}
