/** What a list of images shows of one. */

import type { Context } from "../base/context.ts";
import { type Digest, isDigest } from "../base/digest.ts";
import { hasCode } from "../base/errors.ts";
import { formatPlatform } from "../base/platform.ts";
import { LABEL } from "../core/labels.ts";
import type { Services } from "../core/services.ts";
import type { Descriptor } from "../oci/image_spec.ts";
import { isIndex } from "../oci/media_types.ts";
import {
  addLabels,
  type ImageContent,
  type PlatformChoice,
  readImageContent,
} from "./images_content.ts";

export interface ImageSummary {
  /** Docker's image ID: the digest of the config. */
  readonly id: Digest;
  /** As the config says; undefined if it does not. */
  readonly createdAt?: Date;
  /** Bytes: unpacked if it is unpacked, else the sum of its blobs. */
  readonly sizeBytes: number;
  readonly form: "unpacked" | "packed";
  /** `linux/amd64` */
  readonly platform: string;
}

/**
 * On the content of a target: its summary, so that a list of a thousand
 * images reads no manifest. Content never changes, so neither does this,
 * once the image is unpacked.
 */
export const SUMMARY_LABEL = "coracle.io/image-summary";

/**
 * Summarises what `target` names; undefined if the store lacks its manifest
 * or its config.
 */
export async function summarise(
  ctx: Context,
  services: Services,
  target: Descriptor,
  wanted: PlatformChoice,
): Promise<ImageSummary | undefined> {
  try {
    const scope = isIndex(target.mediaType) ? wanted.key : "";
    const kept = await keptSummary(ctx, services, target.digest, scope);
    if (kept !== undefined) return kept;
    const content = await readImageContent(
      ctx,
      services.content,
      target,
      wanted,
    );
    const summary = await summaryOf(ctx, services, content);
    // Another platform of an index may be pulled later and be preferred.
    if (content.choice === "best") {
      await keepSummary(ctx, services, target.digest, summary, scope);
    }
    return summary;
  } catch (error) {
    if (hasCode(error, "notFound")) return undefined;
    throw error;
  }
}

/** The summary of content that has been read already. */
export async function summaryOf(
  ctx: Context,
  services: Services,
  { manifestDescriptor, manifest, config }: ImageContent,
): Promise<ImageSummary> {
  const created = config.created === undefined
    ? undefined
    : new Date(config.created);
  const top = await topSnapshot(ctx, services, manifest.config.digest);
  const unpacked = await chainSize(ctx, services, top);
  const packed = [manifestDescriptor, manifest.config, ...manifest.layers]
    .reduce((sum, blob) => sum + blob.size, 0);
  return {
    id: manifest.config.digest,
    ...isValid(created) ? { createdAt: created } : {},
    sizeBytes: unpacked ?? packed,
    form: unpacked === undefined ? "packed" : "unpacked",
    platform: formatPlatform(config),
  };
}

function isValid(date: Date | undefined): date is Date {
  return date !== undefined && !Number.isNaN(date.getTime());
}

/** Name of an image's top snapshot; undefined if it is not unpacked. */
export async function topSnapshot(
  ctx: Context,
  services: Services,
  configDigest: Digest,
): Promise<string | undefined> {
  const { labels } = await services.content.info(ctx, configDigest);
  const top = labels[snapshotLabel(services.defaultSnapshotter)];
  if (top === undefined || top === "") return top;
  // The label outlives the snapshot where a repair forgot that.
  try {
    const snapshotter = services.snapshotters.get(services.defaultSnapshotter);
    await snapshotter?.stat(ctx, top);
    return top;
  } catch (error) {
    if (hasCode(error, "notFound")) return undefined;
    throw error;
  }
}

function snapshotLabel(snapshotter: string): string {
  return `${LABEL.gcRefSnapshot}.${snapshotter}`;
}

/** Names of a snapshot and its parents, topmost first. */
export async function snapshotChain(
  ctx: Context,
  services: Services,
  top: string,
): Promise<readonly string[]> {
  const snapshotter = services.snapshotters.get(services.defaultSnapshotter);
  const chain: string[] = [];
  let name = top;
  while (snapshotter !== undefined && name !== "") {
    chain.push(name);
    name = (await snapshotter.stat(ctx, name)).parent;
  }
  return chain;
}

async function chainSize(
  ctx: Context,
  services: Services,
  top: string | undefined,
): Promise<number | undefined> {
  const snapshotter = services.snapshotters.get(services.defaultSnapshotter);
  if (top === undefined || snapshotter === undefined) return undefined;
  try {
    let size = 0;
    for (const name of await snapshotChain(ctx, services, top)) {
      size += (await snapshotter.usage(ctx, name)).sizeBytes;
    }
    return size;
  } catch (error) {
    if (hasCode(error, "notFound")) return undefined;
    throw error;
  }
}

interface KeptSummary {
  readonly id: string;
  /** Of an index: key of the platform choice that it is for. */
  readonly scope?: string;
  readonly created?: string;
  readonly size: number;
  readonly form: "unpacked" | "packed";
  readonly platform: string;
}

async function keepSummary(
  ctx: Context,
  services: Services,
  digest: Digest,
  summary: ImageSummary,
  scope: string,
): Promise<void> {
  const kept: KeptSummary = {
    id: summary.id,
    ...scope === "" ? {} : { scope },
    ...summary.createdAt === undefined
      ? {}
      : { created: summary.createdAt.toISOString() },
    size: summary.sizeBytes,
    form: summary.form,
    platform: summary.platform,
  };
  try {
    await addLabels(ctx, services.content, digest, {
      [SUMMARY_LABEL]: JSON.stringify(kept),
    });
  } catch (error) {
    // A list must work also where nothing may be written.
    ctx.log.debug("Cannot keep the summary of an image", { digest, error });
  }
}

async function keptSummary(
  ctx: Context,
  { content, defaultSnapshotter }: Services,
  target: Digest,
  scope: string,
): Promise<ImageSummary | undefined> {
  const text = (await content.info(ctx, target)).labels[SUMMARY_LABEL];
  const kept = text === undefined ? undefined : parseKept(text, scope);
  if (kept?.form !== "packed") return kept;
  // It may have been unpacked since.
  const { labels } = await content.info(ctx, kept.id);
  return labels[snapshotLabel(defaultSnapshotter)] === undefined
    ? kept
    : undefined;
}

/** Undefined if the label is of another scope, or not ours to understand. */
function parseKept(text: string, scope: string): ImageSummary | undefined {
  let value: Partial<KeptSummary> | null;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { id, created, size, form, platform } = value ?? {};
  if ((value?.scope ?? "") !== scope) return undefined;
  if (
    typeof id !== "string" || !isDigest(id) || typeof size !== "number" ||
    (form !== "unpacked" && form !== "packed")
  ) return undefined;
  const createdAt = created === undefined ? undefined : new Date(created);
  return {
    id,
    ...isValid(createdAt) ? { createdAt } : {},
    sizeBytes: size,
    form,
    platform: String(platform ?? ""),
  };
}
