import type { Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import { Hasher } from "../../base/hash.ts";
import type { ContentStore } from "../../core/content.ts";
import { LABEL } from "../../core/labels.ts";
import { verifiedStream } from "../../core/verified.ts";
import { MEDIA_TYPE } from "../../oci/media_types.ts";
import { compressGzip } from "../images_compress.ts";
import { addLabels } from "../images_content.ts";
import type { PackLayer } from "../load_docker.ts";

/** Stores layers that are not compressed once more, with gzip. */
export function compressLayer(content: ContentStore): PackLayer {
  return async (ctx, layer) => {
    if (layer.compression !== "none") return layer;
    const { digest, size } = layer;
    const mediaType = MEDIA_TYPE.dockerLayer;
    const plain = { mediaType, digest, size };
    const packed = await compressGzip(
      await verifiedStream(ctx, content, plain),
    );
    const labels = { [LABEL.uncompressed]: digest };
    const ref = `compress-${digest}`;
    const stored = await store(ctx, content, ref, packed, labels);
    return { ...stored, compression: "gzip" };
  };
}

async function store(
  ctx: Context,
  content: ContentStore,
  ref: string,
  bytes: AsyncIterable<Uint8Array<ArrayBuffer>>,
  labels: Readonly<Record<string, string>>,
) {
  const hasher = new Hasher();
  let size = 0;
  await using writer = await content.writer(ctx, ref);
  await writer.truncate(0);
  for await (const chunk of bytes) {
    size += chunk.length;
    await hasher.update(chunk);
    await writer.write(chunk);
  }
  const digest = await hasher.digest();
  try {
    await writer.commit(ctx, { digest, size, labels });
  } catch (error) {
    if (!hasCode(error, "alreadyExists")) throw error;
    await addLabels(ctx, content, digest, labels);
  }
  return { digest, size };
}
