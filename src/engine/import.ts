/** An image of one layer from the tar of a root file system. */

import type { Context } from "../base/context.ts";
import { type Digest, parseDigest } from "../base/digest.ts";
import { hasCode, invalidArgument } from "../base/errors.ts";
import { formatReference, parseReference } from "../base/reference.ts";
import type { Image } from "../core/image.ts";
import { LABEL } from "../core/labels.ts";
import type { Services } from "../core/services.ts";
import type {
  Descriptor,
  ImageConfig,
  Manifest,
  Platform,
} from "../oci/image_spec.ts";
import { type Compression, MEDIA_TYPE } from "../oci/media_types.ts";
import { TarReader } from "../oci/tar/reader.ts";
import { applyChanges } from "./import_changes.ts";
import type { Bytes } from "./images_archive.ts";
import { decompress, peekCompression } from "./images_compress.ts";
import { addLabels, manifestLabels, writeJson } from "./images_content.ts";
import { holdContent, withLease } from "./images_lease.ts";
import { putImage } from "./tag.ts";

export interface ImportOptions {
  /** A tar, plain or packed with gzip or zstd. */
  readonly source: Bytes;
  /** Name of the image; without one it is known by its ID only. */
  readonly reference?: string;
  /** Dockerfile instructions, `CMD ["sh"]` for instance. */
  readonly changes?: readonly string[];
  /** For the image's history. */
  readonly message?: string;
  readonly platform: Platform;
  readonly now: () => Date;
  /** Names the ingest, so that nobody else writes to it. */
  readonly newId: () => string;
  /** Bytes read so far. */
  readonly onProgress?: (bytes: number) => void;
}

/**
 * Stores the layer as it came, packed or not, and makes the image.
 * @throws {EngineError} `invalidArgument` if it is no tar, or a change or the
 * name is malformed
 */
export async function importImage(
  ctx: Context,
  services: Services,
  options: ImportOptions,
): Promise<Image> {
  // What the person typed is checked before a long read.
  const settings = applyChanges({}, options.changes ?? []);
  const name = options.reference === undefined
    ? undefined
    : formatReference(parseReference(options.reference));
  return await withLease(ctx, services.leases, async (leased) => {
    const layer = await storeLayer(leased, services, options);
    const created = options.now().toISOString();
    const { os, architecture, variant } = options.platform;
    const config: ImageConfig = {
      created,
      architecture,
      ...variant === undefined ? {} : { variant },
      os,
      config: settings,
      rootfs: { type: "layers", diff_ids: [layer.diffId] },
      history: [{ created, comment: options.message ?? "Imported" }],
    };
    const configDescriptor = await writeJson(
      leased,
      services.content,
      MEDIA_TYPE.ociConfig,
      config,
    );
    const manifest: Manifest = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.ociManifest,
      config: configDescriptor,
      layers: [layer.descriptor],
    };
    const target = await writeJson(
      leased,
      services.content,
      MEDIA_TYPE.ociManifest,
      manifest,
      manifestLabels(manifest),
    );
    return await putImage(leased, services, {
      name: name ?? configDescriptor.digest,
      target,
    });
  });
}

const LAYER_TYPE = {
  none: MEDIA_TYPE.ociLayer,
  gzip: MEDIA_TYPE.ociLayerGzip,
  zstd: MEDIA_TYPE.ociLayerZstd,
} as const satisfies Record<Compression, string>;

interface StoredLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
}

async function storeLayer(
  ctx: Context,
  services: Services,
  options: ImportOptions,
): Promise<StoredLayer> {
  const { createHash } = await import("node:crypto");
  const { compression, bytes } = await peekCompression(options.source);
  const packed = createHash("sha256");
  const plain = createHash("sha256");
  const ref = `import-${options.newId()}`;
  await using writer = await services.content.writer(ctx, ref);
  let size = 0;
  const stored = tap(bytes, async (chunk) => {
    ctx.signal.throwIfAborted();
    packed.update(chunk);
    await writer.write(chunk);
    size += chunk.length;
    options.onProgress?.(size);
  });
  try {
    await checkTar(await decompress(stored, compression), (chunk) => {
      plain.update(chunk);
    });
  } catch (error) {
    await services.content.abort(ctx, ref).catch(() => undefined);
    throw error;
  }
  const digest = parseDigest(`sha256:${packed.digest("hex")}`);
  const diffId = parseDigest(`sha256:${plain.digest("hex")}`);
  const labels = { [LABEL.uncompressed]: diffId };
  try {
    await writer.commit(ctx, { digest, size, labels });
  } catch (error) {
    if (!hasCode(error, "alreadyExists")) throw error;
    await holdContent(ctx, services.leases, digest);
    await addLabels(ctx, services.content, digest, labels);
  }
  const mediaType = LAYER_TYPE[compression];
  return { descriptor: { mediaType, digest, size }, diffId };
}

/** Hands every chunk to `see` before it hands it on. */
async function* tap(
  source: Bytes,
  see: (chunk: Uint8Array<ArrayBuffer>) => Promise<void>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const chunk of source) {
    await see(chunk);
    yield chunk;
  }
}

/** Reads a tar to its end, so that nothing else becomes a layer. */
async function checkTar(
  source: Bytes,
  see: (chunk: Uint8Array) => void,
): Promise<void> {
  let entries = 0;
  const reader = new TarReader({
    entry: () => {
      entries++;
    },
    data: () => {},
    endEntry: () => {},
  });
  try {
    for await (const chunk of source) {
      see(chunk);
      reader.push(chunk);
    }
    reader.finish();
  } catch (cause) {
    if (hasCode(cause, "cancelled", "resourceExhausted")) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalidArgument(`Cannot import the archive: ${reason}`, {
      cause,
      hint: "It must be a tar of a root file system, plain, gzip or zstd",
    });
  }
  if (entries === 0) {
    throw invalidArgument("Cannot import the archive: nothing is in it");
  }
}
