/** Removing what an image has for some platforms, and leaving the rest. */

import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import { failedPrecondition } from "../base/errors.ts";
import { settingsOf } from "../core/container_settings.ts";
import type { Image } from "../core/image.ts";
import type { Services } from "../core/services.ts";
import { parseIndex } from "../oci/image_spec.ts";
import { isIndex } from "../oci/media_types.ts";
import { readBlob } from "../core/verified.ts";
import { addLabels, type ImageContent, isPresent } from "./images_content.ts";
import { findContent } from "./images_of_platform.ts";
import { anyPlatform } from "./images_platform.ts";
import { SUMMARY_LABEL } from "./images_summary.ts";
import {
  type RemovedItem,
  removeImage,
  type RemoveOptions,
  shownName,
} from "./remove.ts";

/**
 * The image stays, under all of its names; with its last platform it goes.
 * @param platforms as the user wrote them
 * @throws {EngineError} `notFound`; `failedPrecondition` if a container or
 * another image uses it
 */
export async function removePlatforms(
  ctx: Context,
  services: Services,
  text: string,
  platforms: readonly string[],
  options: Omit<RemoveOptions, "wanted">,
): Promise<readonly RemovedItem[]> {
  const removed: RemovedItem[] = [];
  for (const platform of platforms) {
    const wanted = anyPlatform(platform);
    const found = await findContent(ctx, services, text, wanted);
    const { image, content } = found;
    const present = await presentManifests(ctx, services, image);
    if (present.length <= 1) {
      const any = { ...options, wanted: anyPlatform() };
      return [...removed, ...await removeImage(ctx, services, text, any)];
    }
    if (options.conflicts === "refuse") {
      await checkUnused(ctx, services, { platform, image, content });
    }
    removed.push(await removeManifest(ctx, services, image, content));
  }
  if (options.collect === "now") await services.collector.collect(ctx);
  return removed;
}

/** What it holds is garbage then, unless others hold it, too. */
async function removeManifest(
  ctx: Context,
  { content: store }: Services,
  { target }: Image,
  { manifestDescriptor: { digest } }: ImageContent,
): Promise<RemovedItem> {
  await store.delete(ctx, digest);
  // It may have been the best one, which lists show.
  await addLabels(ctx, store, target.digest, { [SUMMARY_LABEL]: "" });
  return { kind: "deleted", digest };
}

/** Of all platforms, as far as they are in the store. */
async function presentManifests(
  ctx: Context,
  { content: store }: Services,
  { target }: Image,
): Promise<readonly Digest[]> {
  if (!isIndex(target.mediaType)) return [target.digest];
  const { manifests } = parseIndex(await readBlob(ctx, store, target));
  const present: Digest[] = [];
  for (const { digest } of anyPlatform()(manifests)) {
    if (await isPresent(ctx, store, digest)) present.push(digest);
  }
  return present;
}

interface Going {
  readonly platform: string;
  readonly image: Image;
  readonly content: ImageContent;
}

async function checkUnused(
  ctx: Context,
  services: Services,
  { platform, image, content }: Going,
): Promise<void> {
  const what = `Cannot remove platform "${platform}" of image "${
    shownName(image.name)
  }"`;
  for await (const container of services.containers.list(ctx)) {
    if (settingsOf(container)?.imageId !== content.manifest.config.digest) {
      continue;
    }
    const id = container.id.slice(0, 12);
    throw failedPrecondition(`${what}: container "${id}" uses it`, {
      hint: "Remove the container first, or use --force",
    });
  }
  for await (const other of services.images.list(ctx)) {
    if (other.target.digest === image.target.digest) continue;
    const present = await presentManifests(ctx, services, other);
    if (!present.includes(content.manifestDescriptor.digest)) continue;
    throw failedPrecondition(
      `${what}: image "${shownName(other.name)}" has it, too`,
      { hint: "Remove that one first, or use --force" },
    );
  }
}
