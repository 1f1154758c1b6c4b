/** Removing images with docker's rules for names, IDs and users. */

import type { Context } from "../base/context.ts";
import { type Digest, shortDigest } from "../base/digest.ts";
import {
  type EngineError,
  failedPrecondition,
  hasCode,
  unlessMissing,
} from "../base/errors.ts";
import { familiarName } from "../base/reference.ts";
import type { Container } from "../core/container.ts";
import { settingsOf } from "../core/container_settings.ts";
import type { DeleteOptions } from "../core/image.ts";
import type { Services } from "../core/services.ts";
import {
  findImage,
  type FoundBy,
  imageId,
  isNameless,
  type ListedImage,
  nameReference,
  namesOf,
} from "./images.ts";
import { isPresent, type PlatformChoice } from "./images_content.ts";
import { snapshotChain, summarise, topSnapshot } from "./images_summary.ts";

/** What was done, in order. */
export type RemovedItem =
  | { readonly kind: "untagged"; readonly name: string }
  | { readonly kind: "deleted"; readonly digest: string };

export interface RemoveOptions {
  /** `force`: also what a container uses, also by an ID with many names. */
  readonly conflicts: "refuse" | "force";
  /** `later` leaves content and snapshots to the next collection. */
  readonly collect: "now" | "later";
  readonly wanted: PlatformChoice;
}

/**
 * Removes a name; with the last one goes the image. By its ID, an image goes
 * with all of its names.
 *
 * @throws {EngineError} `notFound`; `failedPrecondition` if a container uses
 * it, or an ID has names in several repositories
 */
export async function removeImage(
  ctx: Context,
  services: Services,
  text: string,
  options: RemoveOptions,
): Promise<readonly RemovedItem[]> {
  const { image, by } = await findImage(ctx, services, text, options.wanted);
  const summary = await summarise(
    ctx,
    services,
    image.target,
    options.wanted,
  );
  const found: ListedImage = { image, ...summary && { summary } };
  const siblings = await namesOf(
    ctx,
    services,
    imageId(found),
    options.wanted,
  );
  const going = by === "id" ? siblings : [found];
  if (going.length === siblings.length && options.conflicts === "refuse") {
    if (by === "id") checkRepositories(text, siblings);
    await checkUnused(ctx, services, text, by, siblings);
  }
  return await removeNames(ctx, services, going, options);
}

/** Removes these names; says also what went away with them. */
export async function removeNames(
  ctx: Context,
  services: Services,
  going: readonly ListedImage[],
  { collect }: Pick<RemoveOptions, "collect">,
): Promise<readonly RemovedItem[]> {
  const parts = new Set<Part>();
  for (const listed of going) {
    for (const part of await partsOf(ctx, services, listed)) parts.add(part);
  }
  const removed: RemovedItem[] = [];
  const last = going.at(-1);
  for (const listed of going) {
    const { name } = listed.image;
    const collectNow = collect === "now" && listed === last;
    const isRemoved = await deleteImage(ctx, services, name, {
      collect: collectNow ? "synchronous" : "later",
    });
    if (isRemoved && !isNameless(name)) {
      removed.push({ kind: "untagged", name: shownName(name) });
    }
  }
  if (collect === "later") return removed;
  return [...removed, ...await gone(ctx, services, parts)];
}

/** @returns false if somebody else has done it meanwhile */
async function deleteImage(
  ctx: Context,
  { images }: Services,
  name: string,
  options: DeleteOptions,
): Promise<boolean> {
  try {
    await images.delete(ctx, name, options);
    return true;
  } catch (error) {
    if (!hasCode(error, "notFound")) throw error;
    return false;
  }
}

/** The familiar form of a name; the name itself if it is no reference. */
export function shownName(name: string): string {
  const reference = nameReference(name);
  return reference === undefined ? name : familiarName(reference);
}

/** What may go away with an image. */
type Part =
  | { readonly kind: "config"; readonly digest: Digest }
  | { readonly kind: "snapshot"; readonly name: string };

async function partsOf(
  ctx: Context,
  services: Services,
  { summary }: ListedImage,
): Promise<readonly Part[]> {
  if (summary === undefined) return [];
  const top = await unlessMissing(topSnapshot(ctx, services, summary.id));
  const chain = top === undefined
    ? []
    : await snapshotChain(ctx, services, top).catch(() => []);
  return [
    { kind: "config", digest: summary.id },
    ...chain.map((name): Part => ({ kind: "snapshot", name })),
  ];
}

async function gone(
  ctx: Context,
  services: Services,
  parts: Iterable<Part>,
): Promise<readonly RemovedItem[]> {
  const digests = new Set<string>();
  for (const part of parts) {
    const isThere = part.kind === "config"
      ? await isPresent(ctx, services.content, part.digest)
      : await hasSnapshot(ctx, services, part.name);
    if (!isThere) {
      digests.add(part.kind === "config" ? part.digest : part.name);
    }
  }
  return [...digests].map((digest) => ({ kind: "deleted", digest }));
}

async function hasSnapshot(
  ctx: Context,
  services: Services,
  name: string,
): Promise<boolean> {
  const snapshotter = services.snapshotters.get(services.defaultSnapshotter);
  return await snapshotter?.stat(ctx, name).then(() => true, () => false) ??
    false;
}

function checkRepositories(
  text: string,
  siblings: readonly ListedImage[],
): void {
  const repositories = new Set(siblings.map(({ image }) => {
    const reference = nameReference(image.name);
    return reference && `${reference.domain}/${reference.path}`;
  }));
  if (repositories.size <= 1) return;
  throw failedPrecondition(
    `Cannot remove image "${text}": it has names in several repositories`,
    { hint: "Remove it by its names, or all of them with --force" },
  );
}

async function checkUnused(
  ctx: Context,
  services: Services,
  text: string,
  by: FoundBy,
  siblings: readonly ListedImage[],
): Promise<void> {
  const names = new Set(siblings.map(({ image }) => image.name));
  const ids = new Set<string>(siblings.map(imageId));
  for await (const container of services.containers.list(ctx)) {
    // The name that it was made from may have gone before the others.
    const id = settingsOf(container)?.imageId;
    if (names.has(container.image) || id !== undefined && ids.has(id)) {
      throw inUse(text, by, container, siblings[0]);
    }
  }
}

function inUse(
  text: string,
  by: FoundBy,
  container: Container,
  listed: ListedImage | undefined,
): EngineError {
  const what = by === "id" ? "image" : "name";
  const id = listed === undefined ? text : shortDigest(imageId(listed));
  return failedPrecondition(
    `Cannot remove ${what} "${text}": container "${
      container.id.slice(0, 12)
    }" uses image ${id}`,
    { hint: "Remove the container first, or use --force" },
  );
}
