/** Reading and writing the small parts of images: indexes, manifests, configs. */

import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import { hasCode, notFound } from "../base/errors.ts";
import { digestOf } from "../base/hash.ts";
import type { Platform } from "../base/platform.ts";
import type { Labels } from "../core/labels.ts";
import { LABEL } from "../core/labels.ts";
import type { ContentStore } from "../core/content.ts";
import { readBlob } from "../core/verified.ts";
import {
  type Descriptor,
  type ImageConfig,
  type Index,
  type Manifest,
  parseImageConfig,
  parseIndex,
  parseManifest,
} from "../oci/image_spec.ts";
import { isIndex } from "../oci/media_types.ts";

/** One platform's part of an image, read and parsed. */
export interface ImageContent {
  readonly manifestDescriptor: Descriptor;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  /**
   * `best`: the same whatever else is pulled; `present`: a manifest that suits
   * better is named but not in the store.
   */
  readonly choice: "best" | "present";
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
  const { manifestDescriptor, choice } = isIndex(target.mediaType)
    ? await chooseManifest(ctx, content, target, wanted)
    : { manifestDescriptor: target, choice: "best" } as const;
  const manifest = parseManifest(
    await readBlob(ctx, content, manifestDescriptor),
  );
  const config = parseImageConfig(
    await readBlob(ctx, content, manifest.config),
  );
  return { manifestDescriptor, manifest, config, choice };
}

/** Puts descriptors that suit first, best first; drops what is no image. */
export interface PlatformChoice {
  (manifests: readonly Descriptor[]): readonly Descriptor[];
  /** The same for choices that are the same. */
  readonly key: string;
  /** The platform that the user has named. */
  readonly only?: Platform;
}

async function chooseManifest(
  ctx: Context,
  content: ContentStore,
  target: Descriptor,
  wanted: PlatformChoice,
): Promise<Pick<ImageContent, "manifestDescriptor" | "choice">> {
  const index: Index = parseIndex(await readBlob(ctx, content, target));
  let choice: ImageContent["choice"] = "best";
  for (const manifest of wanted(index.manifests)) {
    if (await isPresent(ctx, content, manifest.digest)) {
      if (!isIndex(manifest.mediaType)) {
        return { manifestDescriptor: manifest, choice };
      }
      const inner = await chooseManifest(ctx, content, manifest, wanted);
      return choice === "best" ? inner : { ...inner, choice };
    }
    choice = "present";
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
