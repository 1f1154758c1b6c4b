/** From the store into a registry. */

import type { Context } from "../base/context.ts";
import { hasCode, notFound } from "../base/errors.ts";
import type { Reference } from "../base/reference.ts";
import type { Image } from "../core/image.ts";
import type { OnProgress, ProgressState } from "../core/progress.ts";
import type { Pusher } from "../core/registry.ts";
import type { Services } from "../core/services.ts";
import { readBlob, verifiedStream } from "../core/verified.ts";
import {
  type Descriptor,
  type Index,
  type Manifest,
  parseIndex,
  parseManifest,
} from "../oci/image_spec.ts";
import { isIndex } from "../oci/media_types.ts";
import { allOrNone } from "./all_or_none.ts";
import { addLabels, isPresent, type PlatformChoice } from "./images_content.ts";
import { holdContent, withLease } from "./images_lease.ts";
import { outlast } from "./outlast.ts";
import { sourceLabels, sourceRepositories } from "./source_labels.ts";

/** Uploads at once; a registry hashes each, so more do not help. */
const UPLOADS = 4;

export interface PushOptions {
  /**
   * What of an index to push. By default all of it, which must be in the store;
   * else the best choice alone, as a single manifest.
   */
  readonly wanted?: PlatformChoice;
  /**
   * Keeps those manifests that are pushed with an index, which itself stays as
   * it is; the registry must have the others, or not mind.
   */
  readonly only?: (
    manifests: readonly Descriptor[],
  ) => readonly Descriptor[];
  readonly onProgress?: OnProgress;
}

interface Push {
  readonly services: Services;
  readonly pusher: Pusher;
  readonly reference: Reference;
  readonly onProgress: OnProgress;
  readonly only: NonNullable<PushOptions["only"]>;
  /** Digests that are up, or on their way. */
  readonly begun: Set<string>;
}

/**
 * Pushes an image: blobs first, then what refers to them, last the tag. Blobs
 * that the registry has, also in another repository known to us, are not sent.
 *
 * @returns what the tag points at now
 * @throws {EngineError} `notFound` if a part is not in the store; what the
 * pusher throws
 */
export async function pushImage(
  ctx: Context,
  services: Services,
  image: Image,
  reference: Reference,
  options: PushOptions = {},
): Promise<Descriptor> {
  return await withLease(
    ctx,
    services.leases,
    (ctx) =>
      outlast(ctx, services, async () => {
        const push: Push = {
          services,
          reference,
          pusher: services.resolver.pusher(reference),
          onProgress: options.onProgress ?? (() => {}),
          only: options.only ?? ((manifests) => manifests),
          begun: new Set(),
        };
        // Its name may be removed while it is sent.
        await holdContent(ctx, services.leases, image.target.digest);
        const target = await pushedTarget(ctx, services, image.target, options);
        await pushTree(ctx, push, target, reference.tag);
        return target;
      }),
  );
}

async function pushedTarget(
  ctx: Context,
  { content }: Services,
  target: Descriptor,
  { wanted }: PushOptions,
): Promise<Descriptor> {
  if (wanted === undefined || !isIndex(target.mediaType)) return target;
  const index = parseIndex(await readBlob(ctx, content, target));
  for (const manifest of wanted(index.manifests)) {
    if (await isPresent(ctx, content, manifest.digest)) return manifest;
  }
  throw notFound("a manifest for this platform in image", target.digest);
}

async function pushTree(
  ctx: Context,
  push: Push,
  target: Descriptor,
  tag: string | undefined,
): Promise<void> {
  const bytes = await readPart(ctx, push, target);
  if (isIndex(target.mediaType)) {
    await pushChildren(ctx, push, parseIndex(bytes));
  } else {
    await pushBlobs(ctx, push, parseManifest(bytes));
  }
  const kind = isIndex(target.mediaType) ? "index" : "manifest";
  const { kind: outcome } = await push.pusher.pushManifest(
    ctx,
    target,
    bytes,
    tag,
  );
  push.onProgress({
    kind,
    subject: target.digest,
    state: stateOf(outcome),
    doneBytes: target.size,
    totalBytes: target.size,
  });
}

async function pushChildren(
  ctx: Context,
  push: Push,
  index: Index,
): Promise<void> {
  for (const manifest of push.only(index.manifests)) {
    await pushTree(ctx, push, manifest, undefined);
  }
}

async function readPart(
  ctx: Context,
  { services: { content } }: Push,
  target: Descriptor,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readBlob(ctx, content, target);
  } catch (error) {
    if (!hasCode(error, "notFound")) throw error;
    throw notFound("part of the image", target.digest, {
      cause: error,
      hint: "Pull all platforms first, or push one with --platform",
    });
  }
}

async function pushBlobs(
  ctx: Context,
  push: Push,
  manifest: Manifest,
): Promise<void> {
  const blobs = [...manifest.layers, manifest.config].filter((blob) => {
    const isNew = !push.begun.has(blob.digest);
    push.begun.add(blob.digest);
    return isNew;
  });
  const waiting = blobs.values();
  const worker = async (ctx: Context) => {
    for (const blob of waiting) await pushBlob(ctx, push, blob);
  };
  const count = Math.min(UPLOADS, blobs.length);
  await allOrNone(ctx, Array.from({ length: count }, () => worker));
}

async function pushBlob(
  ctx: Context,
  { services: { content }, pusher, reference, onProgress, begun }: Push,
  blob: Descriptor,
): Promise<void> {
  const tell = (state: ProgressState, doneBytes: number) =>
    onProgress({
      ...{ kind: "layer", subject: blob.digest, state, doneBytes },
      totalBytes: blob.size,
    });
  tell("waiting", 0);
  try {
    const { labels } = await content.info(ctx, blob.digest);
    const { kind } = await pusher.pushBlob(ctx, blob, {
      open: (offset) => verifiedStream(ctx, content, blob, offset),
      mountFrom: sourceRepositories(labels, reference.domain)
        .filter((repository) => repository !== reference.path),
      onProgress: (sentBytes) => tell("uploading", sentBytes),
    });
    const known = sourceLabels(reference, labels);
    await addLabels(ctx, content, blob.digest, known);
    tell(stateOf(kind), blob.size);
  } catch (error) {
    begun.delete(blob.digest);
    throw error;
  }
}

function stateOf(outcome: "exists" | "mounted" | "pushed"): ProgressState {
  return outcome === "pushed" ? "done" : outcome;
}
