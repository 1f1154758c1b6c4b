/** The image that a container starts from. */

import type { Context } from "../base/context.ts";
import { hasCode, notFound } from "../base/errors.ts";
import { formatReference, parseReference } from "../base/reference.ts";
import type { Image } from "../core/image.ts";
import type { Services } from "../core/services.ts";
import type { ImageConfig } from "../oci/image_spec.ts";
import { type PlatformChoice, readImageContent } from "./images_content.ts";
import { preferPlatform, wantedPlatform } from "./images_platform.ts";
import { topSnapshot } from "./images_summary.ts";
import type { RunSource } from "./run_options.ts";

export interface RunnableImage {
  /** Normalised reference, or what the image is called in the store. */
  readonly name: string;
  readonly config: ImageConfig;
  /** The committed snapshot of its topmost layer. */
  readonly snapshot: string;
}

/** Gets an image from its registry and unpacks it. */
export type ImagePuller = (
  ctx: Context,
  reference: string,
  platform: string | undefined,
) => Promise<void>;

type ImageSource = RunSource & { readonly kind: "image" };

/**
 * Finds the image in the store, or pulls it, as the source's policy says.
 * @throws {EngineError} `notFound` if it may not be pulled, or what the
 * puller throws
 */
export async function ensureImage(
  ctx: Context,
  services: Services,
  source: ImageSource,
  pull: ImagePuller,
): Promise<RunnableImage> {
  if (source.pull !== "always") {
    const found = await runnableImage(ctx, services, source);
    if (found !== undefined) return found;
  }
  if (source.pull === "never") {
    throw notFound("image", source.reference, {
      hint: "It is not in the store, and --pull=never forbids to fetch it",
    });
  }
  await pull(ctx, source.reference, source.platform);
  const pulled = await runnableImage(ctx, services, source);
  if (pulled === undefined) throw notFound("image", source.reference);
  return pulled;
}

/**
 * Unpacks the image first if the store has it packed. Undefined if the store
 * lacks a part of it.
 */
async function runnableImage(
  ctx: Context,
  services: Services,
  { reference, platform }: ImageSource,
): Promise<RunnableImage | undefined> {
  const wanted = preferPlatform(wantedPlatform(platform), "refuse");
  try {
    const image = await findImage(ctx, services, reference);
    const { manifest, config } = await readImageContent(
      ctx,
      services.content,
      image.target,
      wanted,
    );
    const digest = manifest.config.digest;
    const snapshot = await topSnapshot(ctx, services, digest) ??
      await unpack(ctx, services, image, wanted);
    return { name: image.name, config, snapshot };
  } catch (error) {
    if (hasCode(error, "notFound")) return undefined;
    throw error;
  }
}

async function unpack(
  ctx: Context,
  services: Services,
  image: Image,
  wanted: PlatformChoice,
): Promise<string> {
  const { unpackImage } = await import("./unpack.ts");
  return (await unpackImage(ctx, services, image, { wanted })).snapshot;
}

/** By its name at once; only what is no name there may be an ID. */
async function findImage(
  ctx: Context,
  services: Services,
  text: string,
): Promise<Image> {
  try {
    const reference = parseReference(text);
    return await services.images.get(ctx, formatReference(reference));
  } catch (error) {
    if (!/^(?:sha256:)?[0-9a-f]{2,64}$/.test(text)) throw error;
    const { findImage } = await import("./images.ts");
    const { anyPlatform } = await import("./images_platform.ts");
    return (await findImage(ctx, services, text, anyPlatform())).image;
  }
}
