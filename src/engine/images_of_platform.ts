/** An image's content, of the platform that somebody may have named. */

import type { Context } from "../base/context.ts";
import { EngineError, unlessMissing } from "../base/errors.ts";
import {
  formatPlatform,
  type Platform,
  platformMatcher,
} from "../base/platform.ts";
import type { Services } from "../core/services.ts";
import { findImage, type FoundImage } from "./images.ts";
import {
  type ImageContent,
  type PlatformChoice,
  readImageContent,
} from "./images_content.ts";
import { anyPlatform } from "./images_platform.ts";

/**
 * Also an image of one manifest has to be for the platform, if one is named.
 * @param text as of `findImage()`, whatever the platform
 * @throws {EngineError} `notFound`, in docker's words if it has others only
 */
export async function findContent(
  ctx: Context,
  services: Services,
  text: string,
  wanted: PlatformChoice,
): Promise<FoundImage & { readonly content: ImageContent }> {
  const { only } = wanted;
  if (only === undefined) {
    const found = await findImage(ctx, services, text, wanted);
    const { target } = found.image;
    const { content: store } = services;
    const content = await readImageContent(ctx, store, target, wanted);
    return { ...found, content };
  }
  const found = await findImage(ctx, services, text, anyPlatform());
  const content = await contentFor(ctx, services, found, wanted);
  if (content !== undefined && isFor(only, content.config)) {
    return { ...found, content };
  }
  throw new EngineError(
    "notFound",
    `image with reference ${text} was found but does not provide the ` +
      `specified platform (${formatPlatform(only)})`,
    { hint: `coracle pull --platform ${formatPlatform(only)} may get it` },
  );
}

async function contentFor(
  ctx: Context,
  { content }: Services,
  { image }: FoundImage,
  wanted: PlatformChoice,
): Promise<ImageContent | undefined> {
  return await unlessMissing(
    readImageContent(ctx, content, image.target, wanted),
  );
}

function isFor(wanted: Platform, config: Platform): boolean {
  return platformMatcher(wanted).rank(config) !== undefined;
}
