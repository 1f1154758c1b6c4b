import type { Context } from "../base/context.ts";
import { hasCode, invalidArgument } from "../base/errors.ts";
import { formatReference, parseReference } from "../base/reference.ts";
import type { Image, NewImage } from "../core/image.ts";
import type { Services } from "../core/services.ts";
import { findImage } from "./images.ts";
import type { PlatformChoice } from "./images_content.ts";

/**
 * Gives the image `source` the further name `target`, which stops being that
 * of another image.
 *
 * @throws {EngineError} `notFound`; `invalidArgument` for a target that is
 * malformed or has a digest
 */
export async function tagImage(
  ctx: Context,
  services: Services,
  source: string,
  target: string,
  wanted: PlatformChoice,
): Promise<Image> {
  const reference = parseReference(target);
  if (reference.digest !== undefined) {
    throw invalidArgument(
      `Cannot tag an image as "${target}": it has a digest`,
    );
  }
  const { image } = await findImage(ctx, services, source, wanted);
  return await putImage(ctx, services, {
    name: formatReference(reference),
    target: image.target,
    labels: image.labels,
  });
}

/** Creates the name, or points it elsewhere if it exists. */
export async function putImage(
  ctx: Context,
  services: Services,
  image: NewImage,
): Promise<Image> {
  for (;;) {
    try {
      return await services.images.update(ctx, image);
    } catch (error) {
      if (!hasCode(error, "notFound")) throw error;
    }
    try {
      return await services.images.create(ctx, image);
    } catch (error) {
      // Another process has created it in between: update that.
      if (!hasCode(error, "alreadyExists")) throw error;
    }
  }
}
