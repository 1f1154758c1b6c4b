/** Listing images, and finding the one that a person means. */

import type { Context } from "../base/context.ts";
import { type Digest, digestHex } from "../base/digest.ts";
import {
  type EngineError,
  invalidArgument,
  notFound,
  unlessMissing,
} from "../base/errors.ts";
import {
  formatReference,
  parseReference,
  type Reference,
} from "../base/reference.ts";
import type { Image } from "../core/image.ts";
import type { Services } from "../core/services.ts";
import type { PlatformChoice } from "./images_content.ts";
import { type ImageSummary, summarise } from "./images_summary.ts";

/** A name, with what it names. */
export interface ListedImage {
  readonly image: Image;
  /** Undefined if the store lacks its manifest or config. */
  readonly summary?: ImageSummary;
}

/** Images in no particular order; each distinct target is read once. */
export async function* listImages(
  ctx: Context,
  services: Services,
  wanted: PlatformChoice,
): AsyncIterable<ListedImage> {
  const summaries = new Map<Digest, ImageSummary | undefined>();
  for await (const image of services.images.list(ctx)) {
    const { target } = image;
    const { digest } = target;
    if (!summaries.has(digest)) {
      const summary = await summarise(ctx, services, target, wanted);
      summaries.set(digest, summary);
    }
    const summary = summaries.get(digest);
    yield summary === undefined ? { image } : { image, summary };
  }
}

/** The ID that people see: of the config, or else of the target. */
export function imageId({ image, summary }: ListedImage): Digest {
  return summary?.id ?? image.target.digest;
}

/** What a person's word for an image was. */
export type FoundBy = "name" | "digest" | "id";

export interface FoundImage {
  readonly image: Image;
  readonly by: FoundBy;
}

/**
 * Finds an image by its name, `REPOSITORY@DIGEST`, ID or the beginning of an
 * ID, in this order.
 *
 * @throws {EngineError} `notFound`; `invalidArgument` if the ID is of several
 */
export async function findImage(
  ctx: Context,
  services: Services,
  text: string,
  wanted: PlatformChoice,
): Promise<FoundImage> {
  const reference = readReference(text);
  const exact = reference && await unlessMissing(
    services.images.get(ctx, formatReference(reference)),
  );
  if (exact !== undefined) return { image: exact, by: "name" };
  if (reference?.digest !== undefined) {
    const image = await ofRepository(ctx, services, reference);
    if (image !== undefined) return { image, by: "digest" };
  }
  const prefix = /^(?:sha256:)?([0-9a-f]{2,64})$/.exec(text)?.[1];
  if (prefix !== undefined) {
    const image = await byId(ctx, services, prefix, wanted);
    if (image !== undefined) return { image, by: "id" };
  }
  throw noSuchImage(text);
}

function noSuchImage(text: string): EngineError {
  return notFound("image", text, {
    hint: "coracle images lists the ones there are; coracle pull gets others",
  });
}

/** Undefined if the text is malformed, which an ID may be. */
function readReference(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (/^(?:sha256:)?[0-9a-f]+$/.test(text)) return undefined;
    throw error;
  }
}

async function ofRepository(
  ctx: Context,
  services: Services,
  wanted: Reference,
): Promise<Image | undefined> {
  const filter = `target.digest==${wanted.digest}`;
  for await (const image of services.images.list(ctx, [filter])) {
    const reference = nameReference(image.name);
    if (
      reference?.domain === wanted.domain && reference.path === wanted.path
    ) return image;
  }
  return undefined;
}

async function byId(
  ctx: Context,
  services: Services,
  prefix: string,
  wanted: PlatformChoice,
): Promise<Image | undefined> {
  const found = new Map<Digest, Image>();
  for await (const listed of listImages(ctx, services, wanted)) {
    const id = imageId(listed);
    const digests = [id, listed.image.target.digest];
    if (digests.some((digest) => digestHex(digest).startsWith(prefix))) {
      if (!found.has(id)) found.set(id, listed.image);
    }
  }
  if (found.size > 1) {
    throw invalidArgument(
      `Cannot choose an image by id "${prefix}": ${found.size} begin with it`,
      { hint: "Give more digits: coracle images --no-trunc shows all of them" },
    );
  }
  return found.values().next().value;
}

/** All names whose image has this ID. */
export async function namesOf(
  ctx: Context,
  services: Services,
  id: Digest,
  wanted: PlatformChoice,
): Promise<readonly ListedImage[]> {
  const same: ListedImage[] = [];
  for await (const listed of listImages(ctx, services, wanted)) {
    if (imageId(listed) === id) same.push(listed);
  }
  return same;
}

/** The name of an image nobody has named, as in CRI: its ID. */
export function isNameless(name: string): boolean {
  return name.startsWith("sha256:");
}

/** Undefined for a nameless image, or a name that is no reference. */
export function nameReference(name: string): Reference | undefined {
  if (isNameless(name)) return undefined;
  try {
    return parseReference(name);
  } catch {
    return undefined;
  }
}
