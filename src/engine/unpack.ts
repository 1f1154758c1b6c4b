/** Images that are in the store become snapshots that containers start from. */

import type { Context } from "../base/context.ts";
import { notFound, unimplemented } from "../base/errors.ts";
import { traced } from "../base/trace.ts";
import {
  isLocalContentStore,
  type LocalContentStore,
} from "../core/content.ts";
import { LABEL } from "../core/labels.ts";
import type { OnProgress } from "../core/progress.ts";
import type { Services } from "../core/services.ts";
import type { Snapshotter } from "../core/snapshot.ts";
import type { Image } from "../core/image.ts";
import type { ImageConfig } from "../oci/image_spec.ts";
import { requiredLayer } from "./fetch_layer.ts";
import {
  addLabels,
  type ImageContent,
  type PlatformChoice,
  readImageContent,
} from "./images_content.ts";
import { withLease } from "./images_lease.ts";
import { preferPlatform, wantedPlatform } from "./images_platform.ts";
import { isCommitted, type UnpackJob, unpackLayers } from "./unpack_layers.ts";
import { unpackElsewhere } from "./unpack_elsewhere.ts";
import { withStagingLease } from "./unpack_lease.ts";
import { withUnpackLock } from "./unpack_lock.ts";
import { planLayers } from "./unpack_plan.ts";

export interface UnpackOptions {
  /** By default what suits this machine. */
  readonly wanted?: PlatformChoice;
  /** By default the one of the services. */
  readonly snapshotter?: string;
  readonly onProgress?: OnProgress;
}

export interface UnpackedImage extends ImageContent {
  /** The committed snapshot of the topmost layer; "" if there are no layers. */
  readonly snapshot: string;
}

/**
 * Makes sure that an image of the store is unpacked. Cheap if it is; if another
 * process is at it, waits for that.
 *
 * @throws {EngineError} `notFound` if part of the image is not in the store;
 * `dataLoss` if a layer is not what it should be
 */
export async function unpackImage(
  ctx: Context,
  services: Services,
  image: Image,
  options: UnpackOptions = {},
): Promise<UnpackedImage> {
  const { content } = services;
  const wanted = options.wanted ?? preferPlatform(wantedPlatform(), "refuse");
  const read = await readImageContent(ctx, content, image.target, wanted);
  return await withLease(ctx, services.leases, async (leased) => ({
    ...read,
    snapshot: await unpackContent(leased, services, read, {
      ...options,
      open: (ctx, layer) => requiredLayer(ctx, localContent(services), layer),
      contentLabels: {},
    }),
  }));
}

/** The config of an image that is in the store. */
export async function imageConfigOf(
  ctx: Context,
  services: Services,
  image: Image,
  wanted: PlatformChoice = preferPlatform(wantedPlatform(), "refuse"),
): Promise<ImageConfig> {
  const { content } = services;
  return (await readImageContent(ctx, content, image.target, wanted)).config;
}

interface ContentOptions extends UnpackOptions {
  readonly open: UnpackJob["open"];
  readonly contentLabels: UnpackJob["contentLabels"];
}

/**
 * Unpacks a manifest whose config is in the store and whose layers `open`
 * finds; then lets the config hold the snapshots.
 *
 * @returns name of the top snapshot
 */
export async function unpackContent(
  ctx: Context,
  services: Services,
  { manifest, config }: Pick<ImageContent, "manifest" | "config">,
  options: ContentOptions,
): Promise<string> {
  const { digest } = manifest.config;
  const attributes = { "oci.digest": digest, layers: manifest.layers.length };
  return await traced(
    ctx,
    "unpack",
    attributes,
    (ctx) => unpackLocked(ctx, services, { manifest, config }, options),
  );
}

async function unpackLocked(
  ctx: Context,
  services: Services,
  { manifest, config }: Pick<ImageContent, "manifest" | "config">,
  options: ContentOptions,
): Promise<string> {
  const { name, snapshotter } = snapshotterOf(services, options.snapshotter);
  const layers = await planLayers(manifest, config);
  const top = layers.at(-1)?.chainId ?? "";
  const onProgress = options.onProgress ?? (() => {});
  const id = `unpack-${name}-${top}`;
  const wait = () => onProgress(waiting(manifest.config.digest));
  await withUnpackLock(
    ctx,
    services.content,
    id,
    wait,
    () =>
      withStagingLease(ctx, services, id, async () => {
        if (!isLocalContentStore(services.content)) {
          const there = { layers, snapshotter, snapshotterName: name };
          await unpackElsewhere(ctx, services, there, onProgress);
          return;
        }
        await using session = services.unpacker.open();
        const outcome = await unpackLayers(ctx, services, {
          layers,
          snapshotter,
          snapshotterName: name,
          session,
          stagingLeaseId: id,
          open: options.open,
          contentLabels: options.contentLabels,
          onProgress,
        });
        if (outcome === "changed") {
          const path = await localContent(services)
            .blobPath(ctx, manifest.config.digest);
          await session.barrier(ctx, path.slice(0, path.lastIndexOf("/")));
        }
      }),
  );
  if (top !== "") {
    await addLabels(ctx, services.content, manifest.config.digest, {
      [`${LABEL.gcRefSnapshot}.${name}`]: top,
    });
  }
  return top;
}

function waiting(subject: string): Parameters<OnProgress>[0] {
  return {
    kind: "config",
    subject,
    state: "waiting",
    doneBytes: 0,
    totalBytes: 0,
  };
}

/**
 * The top snapshot of an image if it is unpacked, found by the label of its
 * config, without a thread or a hash.
 */
export async function unpackedSnapshot(
  ctx: Context,
  services: Services,
  configDigest: ImageContent["manifest"]["config"]["digest"],
  snapshotterName?: string,
): Promise<string | undefined> {
  const { name, snapshotter } = snapshotterOf(services, snapshotterName);
  const { labels } = await services.content.info(ctx, configDigest);
  const top = labels[`${LABEL.gcRefSnapshot}.${name}`];
  if (top === undefined) return undefined;
  return await isCommitted(ctx, snapshotter, top) ? top : undefined;
}

/** Unpacks the image unless it is unpacked. */
export async function ensureUnpacked(
  ctx: Context,
  services: Services,
  image: Image,
  options: UnpackOptions = {},
): Promise<UnpackedImage> {
  const wanted = options.wanted ?? preferPlatform(wantedPlatform(), "refuse");
  const read = await readImageContent(
    ctx,
    services.content,
    image.target,
    wanted,
  );
  const { digest } = read.manifest.config;
  const name = options.snapshotter;
  const snapshot = await unpackedSnapshot(ctx, services, digest, name);
  if (snapshot !== undefined) return { ...read, snapshot };
  return await unpackImage(ctx, services, image, options);
}

function snapshotterOf(
  services: Services,
  name: string = services.defaultSnapshotter,
): { name: string; snapshotter: Snapshotter } {
  const snapshotter = services.snapshotters.get(name);
  if (snapshotter === undefined) {
    throw notFound("snapshotter", name, {
      hint: `There are ${[...services.snapshotters.keys()].join(", ")}`,
    });
  }
  return { name, snapshotter };
}

/** @throws {EngineError} `unimplemented` if the content is in another process */
export function localContent({ content }: Services): LocalContentStore {
  if (isLocalContentStore(content)) return content;
  throw unimplemented("unpack layers of a store elsewhere");
}
