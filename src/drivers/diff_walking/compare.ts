import type { Context } from "../../base/context.ts";
import type { Digest } from "../../base/digest.ts";
import { EngineError } from "../../base/errors.ts";
import type { ContentStore } from "../../core/content.ts";
import type { CompareOptions, Differ } from "../../core/diff.ts";
import type { Mount, Mounter } from "../../core/mount.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import {
  type Compression,
  layerCompression,
  MEDIA_TYPE,
} from "../../oci/media_types.ts";
import { Directory } from "../../sys/walk.ts";
import { Archive, inBatches, type Parts } from "./archive.ts";
import { readOnlyMounts, upperDirectoryOf } from "./overlay_mounts.ts";
import { storeLayer } from "./store_layer.ts";
import { walkBoth } from "./walk_both.ts";
import { needsMount, walkUpper } from "./walk_upper.ts";

export interface WalkingDifferDeps {
  readonly content: ContentStore;
  readonly mounter: Mounter;
  /** Where directories to mount at are made. */
  readonly temporaryDirectory: string;
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
  await using opened = await openSides(deps, ctx, sides);
  const archive = new Archive("layer", ctx.log);
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

/** What is compared, open until disposed. */
interface OpenSides extends AsyncDisposable {
  walk(archive: Archive): Parts;
}

async function openSides(
  deps: WalkingDifferDeps,
  ctx: Context,
  { lower, upper }: Sides,
): Promise<OpenSides> {
  const only = upperDirectoryOf(lower, upper);
  if (only !== undefined) {
    using stack = new DisposableStack();
    const directory = stack.use(Directory.open(only.path));
    if (!needsMount(directory, only.flavor)) {
      const kept = stack.move();
      return {
        walk: (archive) => walkUpper(archive, directory, only.flavor),
        [Symbol.asyncDispose]: () => Promise.resolve(kept.dispose()),
      };
    }
  }
  return await openBoth(deps, ctx, { lower, upper });
}

async function openBoth(
  deps: WalkingDifferDeps,
  ctx: Context,
  sides: Sides,
): Promise<OpenSides> {
  await using stack = new AsyncDisposableStack();
  const open = async (mounts: readonly Mount[]) => {
    const target = await Deno.makeTempDir({
      dir: deps.temporaryDirectory,
      prefix: "diff-",
    });
    // Not recursive: should the mount still be there, nothing in it is lost.
    stack.defer(() => Deno.remove(target));
    if (mounts.length > 0) {
      stack.use(
        await deps.mounter.mount(ctx, readOnlyMounts(mounts), target),
      );
    }
    return stack.use(Directory.open(target));
  };
  const lower = await open(sides.lower);
  const upper = await open(sides.upper);
  const kept = stack.move();
  return {
    walk: (archive) => walkBoth(archive, lower, upper),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
