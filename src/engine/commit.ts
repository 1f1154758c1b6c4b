/** Makes an image of what a container has become. */

import { cleanUp, type Context } from "../base/context.ts";
import { type Digest, parseDigest } from "../base/digest.ts";
import { hasCode, invalidArgument } from "../base/errors.ts";
import { formatReference, parseReference } from "../base/reference.ts";
import type { Container } from "../core/container.ts";
import type { PauseStore } from "../core/pauses.ts";
import type { Services } from "../core/services.ts";
import type { Descriptor, ImageConfig, Manifest } from "../oci/image_spec.ts";
import { MEDIA_TYPE } from "../oci/media_types.ts";
import {
  type BaseImage,
  baseImage,
  type BaseImageOptions,
} from "./commit_base.ts";
import { committedConfig } from "./commit_config.ts";
import { type ContainerLayer, withContainerLayer } from "./container_layer.ts";
import { ownMountPoints } from "./container_root.ts";
import { manifestLabels, writeJson } from "./images_content.ts";
import { holdContent } from "./images_lease.ts";
import { applyChanges } from "./import_changes.ts";
import {
  containerName,
  containerSpec,
  type ContainerSpecView,
} from "./inspect_find.ts";
import { containerStatus } from "./inspect_state.ts";
import { pauseContainer, unpauseContainer } from "./pause.ts";
import { putImage } from "./tag.ts";

export interface CommitOptions extends BaseImageOptions {
  /** Without a name the image is known by its ID only. */
  readonly reference?: string;
  readonly author?: string;
  readonly message?: string;
  /** Dockerfile instructions. */
  readonly changes: readonly string[];
  /** What a running container does meanwhile. */
  readonly meanwhile: "pause" | "run";
  readonly pauses: PauseStore;
  readonly now: () => Date;
  readonly newId: () => string;
}

/**
 * @returns the image's ID
 * @throws {EngineError} `invalidArgument` for a malformed name or change;
 * `failedPrecondition` if the image below is not in the store any more
 */
export async function commitContainer(
  ctx: Context,
  services: Services,
  container: Container,
  options: CommitOptions,
): Promise<Digest> {
  // What the person typed is checked before a long read.
  const name = imageName(options.reference);
  applyChanges({}, options.changes);
  const spec = await containerSpec(ctx, services, container) ?? {};
  return await withContainerLayer(
    ctx,
    services,
    container,
    options.newId,
    async (ctx, layer) => {
      const base = await baseImage(ctx, services, container, layer, options);
      const added = await storeLayer(ctx, services, container, spec, {
        layer,
        base,
        options,
      });
      return await storeImage(ctx, services, {
        name,
        base,
        added,
        config: imageConfig(container, spec, base, added, options),
      });
    },
  );
}

/** @throws {EngineError} `invalidArgument` */
function imageName(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const reference = parseReference(text);
  if (reference.digest === undefined) return formatReference(reference);
  throw invalidArgument(`Cannot commit as "${text}": it has a digest`, {
    hint: "Give a name, and a tag if you like",
  });
}

interface AddedLayer {
  /** Undefined if nothing has changed. */
  readonly descriptor: Descriptor | undefined;
  readonly diffId: Digest;
}

/** Of the two blocks of zeros that end an archive. */
const EMPTY_LAYER = parseDigest(
  "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
);

async function storeLayer(
  ctx: Context,
  services: Services,
  container: Container,
  spec: ContainerSpecView,
  { layer, base, options: { meanwhile, pauses } }: {
    readonly layer: ContainerLayer;
    readonly base: BaseImage;
    readonly options: CommitOptions;
  },
): Promise<AddedLayer> {
  await using _paused = meanwhile === "pause"
    ? await paused(ctx, services, container, pauses)
    : undefined;
  const { diffId, mediaType, digest, size } = await services.differ.compare(
    ctx,
    layer.lower,
    layer.upper,
    {
      mountPoints: ownMountPoints(spec),
      mediaType: base.mediaType === MEDIA_TYPE.dockerManifest
        ? MEDIA_TYPE.dockerLayerGzip
        : MEDIA_TYPE.ociLayerGzip,
    },
  );
  // It may have been there before, for another image that goes meanwhile.
  await holdContent(ctx, services.leases, digest);
  const descriptor = { mediaType, digest, size };
  return {
    descriptor: diffId === EMPTY_LAYER ? undefined : descriptor,
    diffId,
  };
}

const RESUME_BUDGET_MS = 10_000;

/** Halts the container until disposed, if it runs, or this process ends. */
async function paused(
  ctx: Context,
  services: Services,
  container: Container,
  pauses: PauseStore,
): Promise<AsyncDisposable | undefined> {
  const { state } = await containerStatus(ctx, services, container);
  if (state !== "running") return undefined;
  const held = pauses.hold({ namespace: ctx.namespace, id: container.id });
  try {
    await pauseContainer(ctx, services, container);
  } catch (error) {
    held[Symbol.dispose]();
    const name = containerName(container);
    const { message } = error instanceof Error ? error : { message: "" };
    ctx.log.warn(`Committing "${name}" while it runs: ${message}`);
    return undefined;
  }
  return {
    [Symbol.asyncDispose]: () =>
      cleanUp(ctx, RESUME_BUDGET_MS, async (ctx) => {
        try {
          await unpauseContainer(ctx, services, container);
        } catch (error) {
          // It was killed, or somebody else was faster.
          if (!hasCode(error, "failedPrecondition", "notFound")) throw error;
        }
        // Otherwise the next command tries it.
        held[Symbol.dispose]();
      }),
  };
}

function imageConfig(
  container: Container,
  spec: ContainerSpecView,
  { config }: BaseImage,
  { descriptor, diffId }: AddedLayer,
  { author, message, changes, now }: CommitOptions,
): ImageConfig {
  const created = now().toISOString();
  const settings = committedConfig(config.config ?? {}, container, spec);
  const isEmpty = descriptor === undefined;
  return {
    ...config,
    created,
    ...author === undefined ? {} : { author },
    config: applyChanges(settings, changes),
    rootfs: {
      type: "layers",
      diff_ids: [...config.rootfs.diff_ids, ...isEmpty ? [] : [diffId]],
    },
    history: [
      ...config.history ?? config.rootfs.diff_ids.map(() => ({})),
      {
        created,
        created_by: (spec.process?.args ?? []).join(" "),
        ...author === undefined ? {} : { author },
        ...message === undefined ? {} : { comment: message },
        ...isEmpty ? { empty_layer: true } : {},
      },
    ],
  };
}

async function storeImage(
  ctx: Context,
  services: Services,
  { name, base, added, config }: {
    readonly name: string | undefined;
    readonly base: BaseImage;
    readonly added: AddedLayer;
    readonly config: ImageConfig;
  },
): Promise<Digest> {
  const mediaType = base.mediaType ?? MEDIA_TYPE.ociManifest;
  const { content } = services;
  const stored = await writeJson(ctx, content, base.configType, config);
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType,
    config: stored,
    layers: [
      ...base.layers,
      ...added.descriptor === undefined ? [] : [added.descriptor],
    ],
  };
  const labels = manifestLabels(manifest);
  const target = await writeJson(ctx, content, mediaType, manifest, labels);
  await putImage(ctx, services, { name: name ?? stored.digest, target });
  return stored.digest;
}
