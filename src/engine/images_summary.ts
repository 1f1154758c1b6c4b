/** What a list of images shows of one. */

import type { Context } from "../base/context.ts";
import { type Digest, isDigest } from "../base/digest.ts";
import { hasCode, notFound } from "../base/errors.ts";
import { formatPlatform } from "../base/platform.ts";
import { LABEL, type Labels } from "../core/labels.ts";
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

/** Labels of content, wherever they are known from. */
export type LabelReader = (digest: Digest) => Promise<Labels>;

/** Reads the labels one by one. */
export function storedLabels(ctx: Context, services: Services): LabelReader {
  return async (digest) => (await services.content.info(ctx, digest)).labels;
}

/** Reads the labels of all content at once, which for a long list is faster. */
export async function allLabels(
  ctx: Context,
  services: Services,
): Promise<LabelReader> {
  const labels = new Map<Digest, Labels>();
  for await (const info of services.content.walk(ctx)) {
    labels.set(info.digest, info.labels);
  }
  return (digest) => {
    const found = labels.get(digest);
    return found === undefined
      ? Promise.reject(notFound("content", digest))
      : Promise.resolve(found);
  };
}

/**
 * Summarises what `target` names; undefined if the store lacks its manifest
 * or its config.
 */
export async function summarise(
  ctx: Context,
  services: Services,
  target: Descriptor,
  wanted: PlatformChoice,
  labelsOf: LabelReader = storedLabels(ctx, services),
): Promise<ImageSummary | undefined> {
  try {
    const kept = await keptSummary(services, target.digest, labelsOf);
    if (kept !== undefined) return kept;
    const content = await readImageContent(
      ctx,
      services.content,
      target,
      wanted,
    );
    const summary = await summaryOf(ctx, services, content);
    // Another platform of an index may be pulled later and be preferred.
    if (!isIndex(target.mediaType)) {
      await keepSummary(ctx, services, target.digest, summary);
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
  return labels[snapshotLabel(services)];
}

function snapshotLabel(services: Services): string {
  return `${LABEL.gcRefSnapshot}.${services.defaultSnapshotter}`;
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
): Promise<void> {
  const kept: KeptSummary = {
    id: summary.id,
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
  services: Services,
  target: Digest,
  labelsOf: LabelReader,
): Promise<ImageSummary | undefined> {
  const text = (await labelsOf(target))[SUMMARY_LABEL];
  const kept = text === undefined ? undefined : parseKept(text);
  if (kept?.form !== "packed") return kept;
  // It may have been unpacked since.
  const labels = await labelsOf(kept.id);
  return labels[snapshotLabel(services)] === undefined ? kept : undefined;
}

/** Undefined if the label is not ours to understand. */
function parseKept(text: string): ImageSummary | undefined {
  let value: Partial<KeptSummary> | null;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { id, created, size, form, platform } = value ?? {};
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
