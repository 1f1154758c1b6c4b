/** The parts of an image, from a registry into the store. */

import type { Context } from "../base/context.ts";
import type { Platform } from "../base/platform.ts";
import { formatReference, type Reference } from "../base/reference.ts";
import { traced } from "../base/trace.ts";
import { isLocalContentStore } from "../core/content.ts";
import type { OnProgress, ProgressKind } from "../core/progress.ts";
import type { Fetcher } from "../core/registry.ts";
import type { Services } from "../core/services.ts";
import {
  type Descriptor,
  type ImageConfig,
  type Index,
  type Manifest,
  parseImageConfig,
  parseIndex,
  parseManifest,
} from "../oci/image_spec.ts";
import { isConfig, isIndex, isManifest } from "../oci/media_types.ts";
import { allOrNone } from "./all_or_none.ts";
import { fetchBlob, fetchSmall } from "./fetch_blob.ts";
import { fetchedLayer } from "./fetch_layer.ts";
import { addLabels, indexLabels, manifestLabels } from "./images_content.ts";
import { holdContent } from "./images_lease.ts";
import { sourceLabels } from "./source_labels.ts";
import { localContent, unpackContent } from "./unpack.ts";

/** `metadata`: its manifest and config, without layers. */
export type PullExtent = "whole" | "metadata";

/** What of an image is wanted. */
export interface PullPlan {
  /** Which manifests of an index, in the order in which they are fetched. */
  readonly choose: (
    manifests: readonly Descriptor[],
  ) => readonly (readonly [Descriptor, PullExtent])[];
  /**
   * Names of the snapshotters that an image is unpacked into.
   * @param platform reads its config
   */
  readonly unpackInto: (
    platform: () => Promise<Platform>,
  ) => Promise<readonly string[]>;
  readonly onProgress: OnProgress;
  /** Told before they are fetched. */
  readonly onParts?: (
    parent: Descriptor,
    parts: readonly Descriptor[],
  ) => void;
}

export interface PullSource {
  readonly services: Services;
  readonly fetcher: Fetcher;
  readonly reference: Reference;
}

type Pull = PullSource & PullPlan;

/** Manifests at once of which only the metadata is fetched. */
const SMALL_FETCHES = 4;

/**
 * Fetches an image, unpacks it while it comes, and labels its parts, so that
 * they live as long as the target. The context's lease holds them.
 */
export async function pullContent(
  ctx: Context,
  source: PullSource,
  plan: PullPlan,
  target: Descriptor,
): Promise<void> {
  const pull = { ...source, ...plan };
  const image = formatReference(source.reference);
  const attributes = { image, "oci.digest": target.digest };
  await traced(
    ctx,
    "pull",
    attributes,
    (ctx) => pullTarget(ctx, pull, target, "whole"),
  );
}

async function pullTarget(
  ctx: Context,
  pull: Pull,
  target: Descriptor,
  extent: PullExtent,
): Promise<void> {
  const { mediaType } = target;
  if (!isIndex(mediaType)) {
    return await pullManifest(ctx, pull, target, extent);
  }
  const index = parseIndex(await pullSmall(ctx, pull, target, "index"));
  await pullChildren(ctx, pull, target, index);
  // Last, so that the labels name only what is there or was left out.
  const { content } = pull.services;
  await addLabels(ctx, content, target.digest, indexLabels(index));
}

async function pullChildren(
  ctx: Context,
  pull: Pull,
  target: Descriptor,
  index: Index,
): Promise<void> {
  const chosen = pull.choose(index.manifests);
  pull.onParts?.(target, chosen.map(([manifest]) => manifest));
  const take = (list: typeof chosen) => {
    const waiting = list.values();
    return async (ctx: Context) => {
      for (const [manifest, extent] of waiting) {
        await pullChild(ctx, pull, manifest, extent);
      }
    };
  };
  // One image after the other; each fetches its layers at once.
  const whole = take(chosen.filter(([, extent]) => extent === "whole"));
  const rest = chosen.filter(([, extent]) => extent === "metadata");
  const small = take(rest);
  const count = Math.min(SMALL_FETCHES, rest.length);
  await allOrNone(ctx, [whole, ...Array.from({ length: count }, () => small)]);
}

/** An index may name what is no image at all. */
async function pullChild(
  ctx: Context,
  pull: Pull,
  child: Descriptor,
  extent: PullExtent,
): Promise<void> {
  const { mediaType } = child;
  if (isIndex(mediaType) || isManifest(mediaType) || mediaType === "") {
    return await pullTarget(ctx, pull, child, extent);
  }
  if (extent === "whole") await pullPart(ctx, pull, child);
}

async function pullManifest(
  ctx: Context,
  pull: Pull,
  target: Descriptor,
  extent: PullExtent,
): Promise<void> {
  const { services: { content } } = pull;
  const manifest = parseManifest(
    await pullSmall(ctx, pull, target, "manifest"),
  );
  const { config, layers } = manifest;
  const parts = extent === "whole" ? [config, ...layers] : [config];
  pull.onParts?.(target, parts);
  await addLabels(ctx, content, target.digest, manifestLabels(manifest));
  const [first, ...others] = extent === "whole"
    ? await snapshotters(ctx, pull, manifest)
    : [];
  if (first === undefined) {
    const works = parts.map((part) => (ctx: Context) =>
      pullPart(ctx, pull, part)
    );
    await allOrNone(ctx, works);
    return;
  }
  for (const snapshotter of [first, ...others]) {
    await pullAndUnpack(ctx, pull, manifest, snapshotter);
  }
}

/** Only images are unpacked. */
async function snapshotters(
  ctx: Context,
  pull: Pull,
  { config }: Manifest,
): Promise<readonly string[]> {
  if (!isConfig(config.mediaType)) return [];
  return await pull.unpackInto(() => pullConfig(ctx, pull, config));
}

async function pullConfig(
  ctx: Context,
  pull: Pull,
  config: Descriptor,
): Promise<ImageConfig> {
  return parseImageConfig(await pullSmall(ctx, pull, config, "config"));
}

async function pullAndUnpack(
  ctx: Context,
  pull: Pull,
  manifest: Manifest,
  snapshotter: string,
): Promise<void> {
  const { services, fetcher, reference, onProgress } = pull;
  const config = await pullConfig(ctx, pull, manifest.config);
  if (!isLocalContentStore(services.content)) {
    // Whoever unpacks them is over there, and needs all bytes first.
    const works = manifest.layers.map((layer) => (ctx: Context) =>
      pullPart(ctx, pull, layer)
    );
    await allOrNone(ctx, works);
  }
  await unpackContent(ctx, services, { manifest, config }, {
    onProgress,
    snapshotter,
    contentLabels: sourceLabels(reference),
    open: async (ctx, layer) => {
      const wait = () =>
        onProgress({
          ...{ kind: "layer", subject: layer.digest, state: "waiting" },
          ...{ doneBytes: 0, totalBytes: layer.size },
        });
      const content = localContent(services);
      const access = await fetchedLayer(ctx, content, fetcher, layer, wait);
      if (access.origin === "store") await hold(ctx, services, layer);
      return access;
    },
  });
}

async function hold(
  ctx: Context,
  services: Services,
  { digest }: Descriptor,
): Promise<void> {
  await holdContent(ctx, services.leases, digest);
}

async function pullSmall(
  ctx: Context,
  pull: Pull,
  descriptor: Descriptor,
  kind: ProgressKind,
): Promise<Uint8Array<ArrayBuffer>> {
  const { services, fetcher, onProgress, reference } = pull;
  const { content } = services;
  const { digest, size } = descriptor;
  const about = { kind, subject: digest, totalBytes: size };
  onProgress({ ...about, state: "downloading", doneBytes: 0 });
  const bytes = await fetchSmall(ctx, content, fetcher, descriptor);
  await hold(ctx, services, descriptor);
  await addLabels(ctx, content, digest, sourceLabels(reference));
  onProgress({ ...about, state: "done", doneBytes: size });
  return bytes;
}

/** A config or layer of a manifest that is not unpacked. */
async function pullPart(
  ctx: Context,
  pull: Pull,
  part: Descriptor,
): Promise<void> {
  const { services, fetcher, onProgress, reference } = pull;
  const kind = isConfig(part.mediaType) ? "config" : "layer";
  const about = { kind, subject: part.digest, totalBytes: part.size } as const;
  onProgress({ ...about, state: "downloading", doneBytes: 0 });
  const labels = sourceLabels(reference);
  await fetchBlob(ctx, services.content, fetcher, part, labels);
  await hold(ctx, services, part);
  onProgress({ ...about, state: "done", doneBytes: part.size });
}
