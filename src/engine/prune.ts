/** Removing what nothing uses. */

import type { Context } from "../base/context.ts";
import { settingsOf } from "../core/container_settings.ts";
import type { CollectOptions } from "../core/gc.ts";
import type { Services } from "../core/services.ts";
import { imageId, isNameless, type ListedImage, listImages } from "./images.ts";
import { type PlatformChoice, readImageContent } from "./images_content.ts";
import { type RemovedItem, removeNames } from "./remove.ts";

export interface PruneFilter {
  /** Only what was made before. */
  readonly until?: Date;
  /** Only what has all of these labels; undefined for any value. */
  readonly labels?: Readonly<Record<string, string | undefined>>;
  /** Only what has none of these labels. */
  readonly withoutLabels?: Readonly<Record<string, string | undefined>>;
}

export interface PruneOptions extends PruneFilter {
  /** `nameless`: images without a name; `unused`: without a container. */
  readonly which: "nameless" | "unused";
  readonly wanted: PlatformChoice;
  readonly ingests?: CollectOptions["ingests"];
}

export interface PruneReport {
  readonly removed: readonly RemovedItem[];
  /** Downloads that were garbage. */
  readonly ingestsDropped: number;
  /** By this, and by whatever else was garbage. */
  readonly bytesFreed: number;
}

/** Removes images and collects garbage. */
export async function pruneImages(
  ctx: Context,
  services: Services,
  options: PruneOptions,
): Promise<PruneReport> {
  const used = await usedImages(ctx, services);
  const going: ListedImage[] = [];
  for await (const listed of listImages(ctx, services, options.wanted)) {
    const { name } = listed.image;
    const isUnused = !used.has(name) && !used.has(imageId(listed));
    const isCandidate = isUnused &&
      (options.which === "unused" || isNameless(name));
    if (isCandidate && await fits(ctx, services, listed, options)) {
      going.push(listed);
    }
  }
  const untagged = await removeNames(ctx, services, going, {
    collect: "later",
  });
  const { ingests } = options;
  const { bytesFreed, ingestsDropped = 0 } = await services.collector.collect(
    ctx,
    ingests === undefined ? {} : { ingests },
  );
  const removed = [...untagged, ...deleted(going)];
  return { removed, ingestsDropped, bytesFreed };
}

/** Names and ids of the images that containers were made from. */
async function usedImages(
  ctx: Context,
  { containers }: Pick<Services, "containers">,
): Promise<ReadonlySet<string>> {
  const used = new Set<string>();
  for await (const container of containers.list(ctx)) {
    used.add(container.image);
    const id = settingsOf(container)?.imageId;
    if (id !== undefined) used.add(id);
  }
  return used;
}

function deleted(going: readonly ListedImage[]): RemovedItem[] {
  const ids = new Set(going.flatMap(({ summary }) => summary?.id ?? []));
  return [...ids].map((digest) => ({ kind: "deleted", digest }));
}

async function fits(
  ctx: Context,
  services: Services,
  listed: ListedImage,
  options: PruneOptions,
): Promise<boolean> {
  const made = listed.summary?.createdAt ?? listed.image.createdAt;
  if (options.until !== undefined && made >= options.until) return false;
  const { labels = {}, withoutLabels = {} } = options;
  const wanted = Object.entries(labels);
  const unwanted = Object.entries(withoutLabels);
  if (wanted.length + unwanted.length === 0) return true;
  const { config } = await readImageContent(
    ctx,
    services.content,
    listed.image.target,
    options.wanted,
  );
  const own = config.config?.Labels ?? {};
  const has = ([key, value]: [string, string | undefined]) =>
    Object.hasOwn(own, key) && (value === undefined || own[key] === value);
  return wanted.every(has) && !unwanted.some(has);
}
