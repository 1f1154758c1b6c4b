/** From a registry into the store. */

import type { Context } from "../base/context.ts";
import {
  hostPlatform,
  type Platform,
  selectManifest,
} from "../base/platform.ts";
import { formatReference, type Reference } from "../base/reference.ts";
import type { Image } from "../core/image.ts";
import type { Labels } from "../core/labels.ts";
import type { OnProgress, ProgressKind } from "../core/progress.ts";
import type { Fetcher } from "../core/registry.ts";
import type { Services } from "../core/services.ts";
import {
  type Descriptor,
  type Index,
  type Manifest,
  parseImageConfig,
  parseIndex,
  parseManifest,
} from "../oci/image_spec.ts";
import { isConfig, isIndex } from "../oci/media_types.ts";
import { allOrNone } from "./all_or_none.ts";
import { fetchBlob, fetchSmall } from "./fetch_blob.ts";
import { fetchedLayer } from "./fetch_layer.ts";
import { addLabels, indexLabels, manifestLabels } from "./images_content.ts";
import { holdContent, withLease } from "./images_lease.ts";
import { sourceLabels } from "./source_labels.ts";
import { putImage } from "./tag.ts";
import { localContent, unpackContent } from "./unpack.ts";

export interface PullOptions {
  /** By default this machine's. */
  readonly platforms?: "all" | Platform;
  /** By default the image is unpacked too. */
  readonly extent?: "unpacked" | "content";
  /** By default the one of the services. */
  readonly snapshotter?: string;
  /** Of the image record. */
  readonly labels?: Labels;
  readonly onProgress?: OnProgress;
}

interface Pull {
  readonly services: Services;
  readonly fetcher: Fetcher;
  readonly reference: Reference;
  readonly options: PullOptions;
  readonly onProgress: OnProgress;
}

/**
 * Fetches an image, unpacks it while it comes, and gives it its name. What is
 * in the store already is not fetched again. Interrupted, it leaves what came
 * to be resumed; at the same time in several processes, each part is fetched
 * by one of them.
 *
 * @throws {EngineError} what the resolver throws; `notFound` if the image is
 * not made for the platform; `dataLoss` if it is not what its digests say
 */
export async function pullImage(
  ctx: Context,
  services: Services,
  reference: Reference,
  options: PullOptions = {},
): Promise<Image> {
  const onProgress = options.onProgress ?? (() => {});
  const name = formatReference(reference);
  const tell = (state: "resolving" | "done") =>
    onProgress({
      ...{ kind: "image", subject: name, state },
      ...{ doneBytes: 0, totalBytes: 0 },
    });
  tell("resolving");
  return await withLease(ctx, services.leases, async (leased) => {
    const target = await services.resolver.resolve(leased, reference);
    const fetcher = services.resolver.fetcher(reference);
    const pull = { services, fetcher, reference, options, onProgress };
    await pullTarget(leased, pull, target);
    const { labels = {} } = options;
    const image = await putImage(leased, services, { name, target, labels });
    tell("done");
    return image;
  });
}

async function pullTarget(
  ctx: Context,
  pull: Pull,
  target: Descriptor,
): Promise<void> {
  if (!isIndex(target.mediaType)) return await pullManifest(ctx, pull, target);
  const index = parseIndex(await pullSmall(ctx, pull, target, "index"));
  for (const manifest of chosen(index, pull.options)) {
    await pullTarget(ctx, pull, manifest);
  }
  // Last, so that the labels name only what is there or was left out.
  const { content } = pull.services;
  await addLabels(ctx, content, target.digest, indexLabels(index));
}

function chosen(
  index: Index,
  { platforms = hostPlatform(Deno.build) }: PullOptions,
): readonly Descriptor[] {
  if (platforms === "all") return index.manifests;
  return [selectManifest(index.manifests, platforms)];
}

async function pullManifest(
  ctx: Context,
  pull: Pull,
  target: Descriptor,
): Promise<void> {
  const { services: { content } } = pull;
  const manifest = parseManifest(
    await pullSmall(ctx, pull, target, "manifest"),
  );
  await addLabels(ctx, content, target.digest, manifestLabels(manifest));
  if (await mustUnpack(ctx, pull, manifest)) {
    return await pullAndUnpack(ctx, pull, manifest);
  }
  const parts = [manifest.config, ...manifest.layers];
  await allOrNone(
    ctx,
    parts.map((part) => (ctx: Context) => pullPart(ctx, pull, part)),
  );
}

/** Only images are unpacked, and of all platforms only this machine's. */
async function mustUnpack(
  ctx: Context,
  pull: Pull,
  manifest: Manifest,
): Promise<boolean> {
  const { extent = "unpacked", platforms } = pull.options;
  if (extent === "content" || !isConfig(manifest.config.mediaType)) {
    return false;
  }
  if (platforms !== "all") return true;
  const bytes = await pullSmall(ctx, pull, manifest.config, "config");
  const { os, architecture } = parseImageConfig(bytes);
  const host = hostPlatform(Deno.build);
  return os === host.os && architecture === host.architecture;
}

async function pullAndUnpack(
  ctx: Context,
  pull: Pull,
  manifest: Manifest,
): Promise<void> {
  const { services, fetcher, reference, options, onProgress } = pull;
  const config = parseImageConfig(
    await pullSmall(ctx, pull, manifest.config, "config"),
  );
  await unpackContent(ctx, services, { manifest, config }, {
    onProgress,
    ...(options.snapshotter === undefined
      ? {}
      : { snapshotter: options.snapshotter }),
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
