/** Reading and writing the small parts of images: indexes, manifests, configs. */

import type { Context } from "../base/context.ts";
import { type Digest, parseDigest } from "../base/digest.ts";
import { dataLoss, hasCode, notFound } from "../base/errors.ts";
import type { Labels } from "../core/labels.ts";
import { LABEL } from "../core/labels.ts";
import type { ContentStore } from "../core/content.ts";
import {
  type Descriptor,
  type ImageConfig,
  type Index,
  type Manifest,
  MAX_MANIFEST_SIZE,
  parseImageConfig,
  parseIndex,
  parseManifest,
  type Platform,
} from "../oci/image_spec.ts";
import { isIndex } from "../oci/media_types.ts";

/** One platform's part of an image, read and parsed. */
export interface ImageContent {
  readonly manifestDescriptor: Descriptor;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
}

/**
 * A blob that is small enough to be held in memory, verified.
 * @throws {EngineError} `notFound`; `dataLoss` if it is not what it should be
 */
export async function readSmallBlob(
  ctx: Context,
  content: ContentStore,
  descriptor: Descriptor,
): Promise<Uint8Array<ArrayBuffer>> {
  await using reader = await content.readerAt(ctx, descriptor);
  if (reader.size > MAX_MANIFEST_SIZE) {
    throw dataLoss(
      `Cannot read "${descriptor.digest}": ${reader.size} bytes is too large`,
    );
  }
  const bytes = new Uint8Array(reader.size);
  let filled = 0;
  while (filled < bytes.length) {
    const count = await reader.readAt(bytes.subarray(filled), filled);
    if (count === 0) break;
    filled += count;
  }
  const digest = await digestOf(bytes);
  if (filled < bytes.length || !matches(descriptor.digest, digest)) {
    throw dataLoss(`Cannot read "${descriptor.digest}": it is damaged`, {
      hint: "coracle fsck --repair sets it aside; then pull the image again",
    });
  }
  return bytes;
}

/** SHA-256, without loading a crypto module. */
export async function digestOf(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Digest> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return parseDigest(`sha256:${hash.toHex()}`);
}

function matches(expected: Digest, actual: Digest): boolean {
  // Of the other algorithms the store has checked the digest when it took it.
  return !expected.startsWith("sha256:") || expected === actual;
}

/**
 * The manifest and config of an image for one platform: `wanted` decides
 * among those of an index that are in the store.
 *
 * @throws {EngineError} `notFound` if nothing that suits is in the store
 */
export async function readImageContent(
  ctx: Context,
  content: ContentStore,
  target: Descriptor,
  wanted: PlatformChoice,
): Promise<ImageContent> {
  const manifestDescriptor = isIndex(target.mediaType)
    ? await chooseManifest(ctx, content, target, wanted)
    : target;
  const manifest = parseManifest(
    await readSmallBlob(ctx, content, manifestDescriptor),
  );
  const config = parseImageConfig(
    await readSmallBlob(ctx, content, manifest.config),
  );
  return { manifestDescriptor, manifest, config };
}

/** Puts descriptors that suit first, best first; drops what is no image. */
export type PlatformChoice = (
  manifests: readonly Descriptor[],
) => readonly Descriptor[];

async function chooseManifest(
  ctx: Context,
  content: ContentStore,
  target: Descriptor,
  wanted: PlatformChoice,
): Promise<Descriptor> {
  const index: Index = parseIndex(await readSmallBlob(ctx, content, target));
  for (const manifest of wanted(index.manifests)) {
    if (!await isPresent(ctx, content, manifest.digest)) continue;
    if (!isIndex(manifest.mediaType)) return manifest;
    return await chooseManifest(ctx, content, manifest, wanted);
  }
  throw notFound("a manifest for this platform in image", target.digest, {
    hint: "Pull it with --platform",
  });
}

export async function isPresent(
  ctx: Context,
  content: ContentStore,
  digest: Digest,
): Promise<boolean> {
  try {
    await content.info(ctx, digest);
    return true;
  } catch (error) {
    if (hasCode(error, "notFound")) return false;
    throw error;
  }
}

/**
 * Stores JSON as content; there already is fine, its labels are completed.
 * @returns its descriptor
 */
export async function writeJson(
  ctx: Context,
  content: ContentStore,
  mediaType: string,
  value: unknown,
  labels: Labels = {},
): Promise<Descriptor> {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return await writeBlob(ctx, content, mediaType, bytes, labels);
}

/** As `writeJson`, for bytes. */
export async function writeBlob(
  ctx: Context,
  content: ContentStore,
  mediaType: string,
  bytes: Uint8Array<ArrayBuffer>,
  labels: Labels = {},
): Promise<Descriptor> {
  const digest = await digestOf(bytes);
  const descriptor: Descriptor = { mediaType, digest, size: bytes.length };
  try {
    await using writer = await content.writer(
      ctx,
      `blob-${digest}`,
      descriptor,
    );
    await writer.truncate(0);
    await writer.write(bytes);
    await writer.commit(ctx, { digest, size: bytes.length, labels });
  } catch (error) {
    if (!hasCode(error, "alreadyExists")) throw error;
    await addLabels(ctx, content, digest, labels);
  }
  return descriptor;
}

/** Adds labels to content that is there, leaving the others. */
export async function addLabels(
  ctx: Context,
  content: ContentStore,
  digest: Digest,
  labels: Labels,
): Promise<void> {
  const paths = Object.keys(labels).map((key) => `labels.${key}`);
  if (paths.length > 0) await content.update(ctx, { digest, labels }, paths);
}

/** Labels that keep alive what a manifest names. */
export function manifestLabels(manifest: Manifest): Labels {
  const labels: Record<string, string> = {
    [`${LABEL.gcRefContent}.config`]: manifest.config.digest,
  };
  manifest.layers.forEach((layer, index) => {
    labels[`${LABEL.gcRefContent}.l.${index}`] = layer.digest;
  });
  return labels;
}

/** Labels that keep alive the manifests that an index names. */
export function indexLabels(index: Index): Labels {
  return Object.fromEntries(
    index.manifests.map((manifest, at) => [
      `${LABEL.gcRefContent}.m.${at}`,
      manifest.digest,
    ]),
  );
}

/** `linux/arm64/v8` */
export function platformText(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return [os, architecture, ...variant ? [variant] : []].join("/");
}
