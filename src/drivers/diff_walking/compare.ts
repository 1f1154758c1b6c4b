import type { Context } from "../../base/context.ts";
import type { Digest } from "../../base/digest.ts";
import { EngineError } from "../../base/errors.ts";
import type { ContentStore } from "../../core/content.ts";
import type { CompareOptions, Differ } from "../../core/diff.ts";
import type { TreeChange } from "../../core/file_tree.ts";
import type { Mount, Mounter } from "../../core/mount.ts";
import { readOnlyMounts, upperDirectoryOf } from "../../core/overlay_mounts.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import type { OverlayFlavor } from "../../oci/layer/overlay.ts";
import {
  type Compression,
  layerCompression,
  MEDIA_TYPE,
} from "../../oci/media_types.ts";
import { Directory } from "../../sys/walk.ts";
import { Archive, inBatches, type Parts } from "./archive.ts";
import { listChanges } from "./changes.ts";
import { storeLayer } from "./store_layer.ts";
import { walkBoth } from "./walk_both.ts";
import { needsMount, walkUpper } from "./walk_upper.ts";

export interface WalkingDifferDeps {
  readonly content: ContentStore;
  readonly mounter: Mounter;
  /** A new one for each call, for the ref of the ingest. */
  readonly newId: () => string;
  /** Applying layers is an unpacker's work. */
  readonly apply: Differ["apply"];
}

const BATCH_BYTES = 1 << 20;

const MEDIA_TYPE_OF = {
  none: MEDIA_TYPE.ociLayer,
  gzip: MEDIA_TYPE.ociLayerGzip,
  zstd: MEDIA_TYPE.ociLayerZstd,
} as const satisfies Record<Compression, string>;

/**
 * Compares by walking. Where the upper mounts are an overlay on the lower
 * ones, only its upper directory is walked and nothing is mounted.
 */
export function createWalkingDiffer(deps: WalkingDifferDeps): Differ {
  return {
    apply: (ctx, layer, mounts) => deps.apply(ctx, layer, mounts),
    compare: (ctx, lower, upper, options) =>
      compare(deps, ctx, { lower, upper }, options ?? {}),
    changes: (ctx, lower, upper, uncounted) =>
      changes(deps, ctx, { lower, upper }, uncounted?.mountPoints ?? new Set()),
  };
}

interface Sides {
  readonly lower: readonly Mount[];
  readonly upper: readonly Mount[];
}

async function compare(
  deps: WalkingDifferDeps,
  ctx: Context,
  sides: Sides,
  options: CompareOptions,
): Promise<Descriptor & { readonly diffId: Digest }> {
  const { compression, mediaType } = formatOf(options);
  using opened = await openSides(deps, ctx, sides);
  const archive = new Archive({
    kind: "layer",
    mountPoints: options.mountPoints ?? new Set(),
    ...options.latest === undefined ? {} : { latest: options.latest },
  }, ctx.log);
  return await storeLayer(ctx, deps.content, {
    tar: inBatches(ended(archive, opened.walk(archive)), BATCH_BYTES),
    compression,
    mediaType,
    ref: options.ref ?? `diff-${deps.newId()}`,
    labels: options.labels ?? {},
  });
}

function formatOf(
  { compression, mediaType }: CompareOptions,
): { compression: Compression; mediaType: string } {
  const named = mediaType === undefined
    ? undefined
    : layerCompression(mediaType);
  if (mediaType !== undefined && named === undefined) {
    throw new EngineError(
      "unimplemented",
      `Cannot make a layer of media type "${mediaType}"`,
    );
  }
  const chosen = named ?? compression ?? "gzip";
  if (compression !== undefined && compression !== chosen) {
    throw new EngineError(
      "invalidArgument",
      `Cannot make a layer of media type "${mediaType}" by "${compression}"`,
    );
  }
  return {
    compression: chosen,
    mediaType: mediaType ?? MEDIA_TYPE_OF[chosen],
  };
}

function* ended(archive: Archive, parts: Parts): Parts {
  yield* parts;
  yield* archive.end();
}

async function* changes(
  { mounter }: WalkingDifferDeps,
  ctx: Context,
  { lower, upper }: Sides,
  mountPoints: ReadonlySet<string>,
): AsyncGenerator<TreeChange> {
  using stack = new DisposableStack();
  const open = (mounts: readonly Mount[]) =>
    openMounted(mounter, ctx, mounts, stack);
  const before = await open(lower);
  const layer = openLayer({ lower, upper });
  const found = layer === undefined
    ? listChanges(before, await open(upper), {
      kind: "whole",
      mountPoints,
    })
    : listChanges(before, stack.use(layer.directory), {
      kind: "layer",
      flavor: layer.flavor,
      mountPoints,
    });
  for (const change of found) {
    ctx.signal.throwIfAborted();
    yield change;
  }
}

interface OpenLayer {
  readonly directory: Directory;
  readonly flavor: OverlayFlavor;
}

/** The overlay's upper directory, if nothing else tells what it means. */
function openLayer({ lower, upper }: Sides): OpenLayer | undefined {
  const only = upperDirectoryOf(lower, upper);
  if (only === undefined) return undefined;
  using stack = new DisposableStack();
  const directory = stack.use(Directory.open(only.path));
  if (needsMount(directory, only.flavor)) return undefined;
  stack.move();
  return { directory, flavor: only.flavor };
}

/** What mounts show, open as long as `stack`. */
async function openMounted(
  mounter: Mounter,
  ctx: Context,
  mounts: readonly Mount[],
  stack: DisposableStack,
): Promise<Directory> {
  const view = stack.use(await mounter.open(ctx, readOnlyMounts(mounts)));
  return stack.use(Directory.open(view.path));
}

/** What is compared, open until disposed. */
interface OpenSides extends Disposable {
  walk(archive: Archive): Parts;
}

async function openSides(
  deps: WalkingDifferDeps,
  ctx: Context,
  { lower, upper }: Sides,
): Promise<OpenSides> {
  const layer = openLayer({ lower, upper });
  if (layer !== undefined) {
    const { directory, flavor } = layer;
    return {
      walk: (archive) => walkUpper(archive, directory, flavor),
      [Symbol.dispose]: () => directory[Symbol.dispose](),
    };
  }
  return await openBoth(deps, ctx, { lower, upper });
}

async function openBoth(
  { mounter }: WalkingDifferDeps,
  ctx: Context,
  sides: Sides,
): Promise<OpenSides> {
  using stack = new DisposableStack();
  const lower = await openMounted(mounter, ctx, sides.lower, stack);
  const upper = await openMounted(mounter, ctx, sides.upper, stack);
  const kept = stack.move();
  return {
    walk: (archive) => walkBoth(archive, lower, upper),
    [Symbol.dispose]: () => kept.dispose(),
  };
}
