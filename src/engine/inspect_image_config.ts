/** The config of the image that a container was made from. */

import type { Context } from "../base/context.ts";
import { type Digest, isDigest } from "../base/digest.ts";
import { hasCode } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import { settingsOf } from "../core/container_settings.ts";
import type { Services } from "../core/services.ts";
import { readBlob } from "../core/verified.ts";
import { type ImageConfig, parseImageConfig } from "../oci/image_spec.ts";
import { MEDIA_TYPE } from "../oci/media_types.ts";
import { readImageContent } from "./images_content.ts";
import { anyPlatform } from "./images_platform.ts";

type Looking = Pick<Services, "content" | "images">;

/**
 * Undefined if it is not in the store any more, or there never was one. Of a
 * container that others made it is what its image's name means now.
 */
export async function imageConfigOf(
  ctx: Context,
  services: Looking,
  container: Container,
): Promise<ImageConfig | undefined> {
  const id = settingsOf(container)?.imageId;
  try {
    if (id !== undefined) {
      return isDigest(id) ? await readConfig(ctx, services, id) : undefined;
    }
    if (container.image === "") return undefined;
    const { target } = await services.images.get(ctx, container.image);
    const { content } = services;
    return (await readImageContent(ctx, content, target, anyPlatform())).config;
  } catch (error) {
    if (hasCode(error, "notFound")) return undefined;
    throw error;
  }
}

async function readConfig(
  ctx: Context,
  { content }: Looking,
  digest: Digest,
): Promise<ImageConfig> {
  const { size } = await content.info(ctx, digest);
  const mediaType = MEDIA_TYPE.ociConfig;
  return parseImageConfig(
    await readBlob(ctx, content, { mediaType, digest, size }),
  );
}
