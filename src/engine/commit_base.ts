/** The image that a container was made from, which may be gone. */

import type { Context } from "../base/context.ts";
import { failedPrecondition, hasCode } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import { settingsOf } from "../core/container_settings.ts";
import type { Services } from "../core/services.ts";
import { chainIds } from "../oci/chain_id.ts";
import type {
  Descriptor,
  ImageConfig,
  Manifest,
  Platform,
} from "../oci/image_spec.ts";
import { MEDIA_TYPE } from "../oci/media_types.ts";
import type { ContainerLayer } from "./container_layer.ts";
import {
  type ImageContent,
  isPresent,
  type PlatformChoice,
  readImageContent,
} from "./images_content.ts";
import { holdContent } from "./images_lease.ts";
import { containerName } from "./inspect_find.ts";

/** What a committed container stands on. */
export type BaseImage = Pick<Manifest, "layers" | "mediaType"> & {
  readonly config: ImageConfig;
  readonly configType: string;
};

export interface BaseImageOptions {
  /** Of a container without an image. */
  readonly platform: Platform;
  readonly wanted: PlatformChoice;
}

/**
 * The image whose layers the container stands on, held by the context's lease.
 * @throws {EngineError} `failedPrecondition` if it is not in the store any more
 */
export async function baseImage(
  ctx: Context,
  services: Services,
  container: Container,
  { parent }: ContainerLayer,
  { platform, wanted }: BaseImageOptions,
): Promise<BaseImage> {
  const found = await findBase(ctx, services, container, parent, wanted);
  if (found !== undefined) {
    const { manifest: { config: { mediaType: configType } }, config } = found;
    const { layers, mediaType } = found.manifest;
    await holdLayers(ctx, services, container, layers);
    return { layers, config, configType, ...mediaType ? { mediaType } : {} };
  }
  if (parent !== "") throw lostBase(container);
  return {
    layers: [],
    config: { ...platform, rootfs: { type: "layers", diff_ids: [] } },
    configType: MEDIA_TYPE.ociConfig,
  };
}

/** The very image, under whatever name, or else one of the same layers. */
async function findBase(
  ctx: Context,
  services: Services,
  container: Container,
  parent: string,
  wanted: PlatformChoice,
): Promise<ImageContent | undefined> {
  const id = settingsOf(container)?.imageId;
  let like: ImageContent | undefined;
  for await (const target of candidates(ctx, services, container)) {
    const content = await readImageContent(
      ctx,
      services.content,
      target,
      wanted,
    ).catch((error) => {
      if (hasCode(error, "notFound", "invalidArgument")) return undefined;
      throw error;
    });
    if (content === undefined) continue;
    const chain = await chainIds(content.config.rootfs.diff_ids);
    if (chain.at(-1) !== parent) continue;
    if (content.manifest.config.digest === id) return content;
    like ??= content;
  }
  return like;
}

/** The image by the name that the container knows, then all others. */
async function* candidates(
  ctx: Context,
  { images }: Services,
  { image }: Container,
): AsyncGenerator<Descriptor> {
  const others: Descriptor[] = [];
  for await (const { name, target } of images.list(ctx)) {
    if (name === image) yield target;
    else others.push(target);
  }
  yield* others;
}

/** The image may be removed while we read. */
async function holdLayers(
  ctx: Context,
  { content, leases }: Services,
  container: Container,
  layers: readonly Descriptor[],
): Promise<void> {
  for (const { digest } of layers) {
    await holdContent(ctx, leases, digest);
    if (!await isPresent(ctx, content, digest)) throw lostBase(container);
  }
}

function lostBase(container: Container): Error {
  return failedPrecondition(
    `Cannot commit container "${containerName(container)}": its image is not ` +
      "in the store any more",
    { hint: `Pull it again: coracle pull ${container.image}` },
  );
}
