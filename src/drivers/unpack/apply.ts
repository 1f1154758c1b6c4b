import { failedPrecondition, unimplemented } from "../../base/errors.ts";
import type { Context } from "../../base/context.ts";
import { type ContentStore, isLocalContentStore } from "../../core/content.ts";
import type { AppliedDiff } from "../../core/diff.ts";
import type { Mount, Mounter } from "../../core/mount.ts";
import type { LayerSource, LayerUnpacker } from "../../core/unpack.ts";
import { verifiedStream } from "../../core/verified.ts";
import { layerCompression } from "../../oci/media_types.ts";
import type { Descriptor } from "../../oci/image_spec.ts";

export interface LayerApplierDeps {
  readonly content: ContentStore;
  readonly mounter: Mounter;
  readonly unpacker: LayerUnpacker;
}

/** The half of a `Differ` that unpacks. */
export interface LayerApplier {
  apply(
    ctx: Context,
    layer: Descriptor,
    mounts: readonly Mount[],
  ): Promise<AppliedDiff>;
}

/** Unpacks stored layers onto mounts, one on the other, as they are asked for. */
export function createLayerApplier(deps: LayerApplierDeps): LayerApplier {
  return { apply: (ctx, layer, mounts) => apply(ctx, deps, layer, mounts) };
}

async function apply(
  ctx: Context,
  { content, mounter, unpacker }: LayerApplierDeps,
  layer: Descriptor,
  mounts: readonly Mount[],
): Promise<AppliedDiff> {
  if (layerCompression(layer.mediaType) === undefined) {
    throw unimplemented(`apply a layer of type "${layer.mediaType}"`);
  }
  await using source = await sourceOf(ctx, content, layer);
  await using session = unpacker.open();
  // Opened as the directory that it shows, a bind mount does not say so itself.
  if (mounts.at(-1)?.options.includes("ro")) {
    throw failedPrecondition("Cannot apply a layer to read-only mounts");
  }
  // Mounted nowhere: nothing is left of it if this process is killed.
  using target = await mounter.open(ctx, mounts);
  const { tree } = await session.unpack(ctx, {
    layer,
    source,
    target: { path: target.path, how: "applied" },
  });
  if (tree === undefined) throw unimplemented("apply a layer without files");
  return { diffId: tree.diffId, size: tree.size };
}

type OwnedSource = LayerSource & AsyncDisposable;

/** The stored bytes; of a store elsewhere, a copy that goes with its user. */
async function sourceOf(
  ctx: Context,
  content: ContentStore,
  layer: Descriptor,
): Promise<OwnedSource> {
  if (isLocalContentStore(content)) {
    const path = await content.blobPath(ctx, layer.digest);
    return {
      ...{ kind: "file", path },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  await content.info(ctx, layer.digest);
  const path = await Deno.makeTempFile({ prefix: "coracle-layer-" });
  return {
    ...{ kind: "download", path, offset: 0 },
    open: (offset) => verifiedStream(ctx, content, layer, offset),
    [Symbol.asyncDispose]: () => Deno.remove(path),
  };
}
