/** The image that a container starts from. */

import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import { EngineError, hasCode, notFound } from "../base/errors.ts";
import {
  formatPlatform,
  type Platform,
  platformMatcher,
} from "../base/platform.ts";
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
  /** Digest of the config. */
  readonly id: Digest;
  /** The committed snapshot of its topmost layer. */
  readonly snapshot: string;
}

/** Gets an image from its registry and unpacks it. */
export type ImagePuller = (
  ctx: Context,
  reference: string,
  platform: string | undefined,
) => Promise<void>;

const PULL_TRIES = 2;

type ImageSource = RunSource & { readonly kind: "image" };

/** What the store has under a name. */
type Found =
  | { readonly kind: "runnable"; readonly image: RunnableImage }
  /** An image for other machines than those asked for. */
  | { readonly kind: "foreign"; readonly platform: string }
  /** Nothing, or not all of it. */
  | { readonly kind: "absent" };

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
    const found = await lookUp(ctx, services, source);
    if (found.kind === "runnable") return found.image;
    if (source.pull === "never") {
      throw unusable(source, found, {
        hint: "It is not in the store, and --pull=never forbids to fetch it",
      });
    }
  }
  for (let triesLeft = PULL_TRIES;; triesLeft--) {
    await pull(ctx, source.reference, source.platform);
    const pulled = await lookUp(ctx, services, source);
    if (pulled.kind === "runnable") return pulled.image;
    // Somebody may have removed it in the meantime.
    const isGone = pulled.kind === "absent" && triesLeft > 1;
    if (!isGone) throw unusable(source, pulled);
  }
}

function unusable(
  { reference, platform }: ImageSource,
  found: Exclude<Found, { kind: "runnable" }>,
  options: { readonly hint?: string } = {},
): EngineError {
  if (found.kind === "absent") return notFound("image", reference, options);
  return new EngineError(
    "notFound",
    `Cannot use image "${reference}" for platform "${platform}": it is for ` +
      found.platform,
    { hint: "Leave out --platform, or choose another image" },
  );
}

/** Unpacks the image first if the store has it packed. */
async function lookUp(
  ctx: Context,
  services: Services,
  { reference, platform }: ImageSource,
): Promise<Found> {
  const asked = wantedPlatform(platform);
  const wanted = preferPlatform(asked, "refuse");
  try {
    const image = await findImage(ctx, services, reference);
    const { manifest, config } = await readImageContent(
      ctx,
      services.content,
      image.target,
      wanted,
    );
    if (!suits(config, asked)) {
      const own = formatPlatform(config);
      if (platform !== undefined) return { kind: "foreign", platform: own };
      // As docker does: the kernel may know an emulator.
      ctx.log.warn(
        `The image's platform (${own}) does not match this machine's`,
      );
    }
    const digest = manifest.config.digest;
    const snapshot = await topSnapshot(ctx, services, digest) ??
      await unpack(ctx, services, image, wanted);
    const { name } = image;
    return { kind: "runnable", image: { name, config, id: digest, snapshot } };
  } catch (error) {
    if (hasCode(error, "notFound")) return { kind: "absent" };
    throw error;
  }
}

/** An index says what its images are for; an image alone says it itself. */
function suits(config: ImageConfig, wanted: Platform): boolean {
  return config.architecture === "" ||
    platformMatcher(wanted).rank(config) !== undefined;
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
