/**
 * Images of processes, stored as containerd does: a tar of what criu writes,
 * and the container's spec.
 */

import { Any } from "../../../proto/gen/google/protobuf/any.ts";
import { CheckpointOptions } from "../../../proto/gen/containerd/runc/v1/options.ts";
import type { Context } from "../../base/context.ts";
import { hasCode, invalidArgument } from "../../base/errors.ts";
import { lazy } from "../../base/lazy.ts";
import type { Services } from "../../core/services.ts";
import type { TypedValue } from "../../core/container.ts";
import type { Checkpoints } from "../../drivers/shim_manager/daemon_tasks.ts";
import type { Descriptor } from "../../oci/image_spec.ts";

const MEDIA_TYPES = {
  image: "application/vnd.containerd.container.criu.checkpoint.criu.tar",
  config: "application/vnd.containerd.container.checkpoint.config.v1+proto",
} as const;

const LAYER_TAR = "application/vnd.oci.image.layer.v1.tar";

type Stores = Pick<Services, "content" | "containers" | "differ">;

/** @param directory for what is gone afterwards */
export function createCheckpoints(
  services: Stores,
  directory: string,
): Checkpoints {
  const loadTar = lazy(() => import("../directory_tar.ts"));
  return {
    unpack: async (ctx, descriptor, source) => {
      const { mediaType, digest } = descriptor;
      if (mediaType !== MEDIA_TYPES.image) {
        throw invalidArgument(
          `Cannot restore a checkpoint from content "${digest}" of type ` +
            `"${mediaType}"`,
        );
      }
      // All that is particular about it is what it is called.
      const layer = { ...descriptor, mediaType: LAYER_TAR };
      await services.differ.apply(ctx, layer, [
        { type: "bind", source, options: ["rbind", "rw"] },
      ]);
    },
    async take(ctx, shim, { id, options }) {
      const imagePath = imagePathOf(options);
      using place = imagePath === ""
        ? temporary(directory)
        : { path: imagePath, [Symbol.dispose]() {} };
      await shim.checkpoint(ctx, {
        id,
        path: place.path,
        ...options === undefined ? {} : { options },
      });
      // Whoever wants it in a directory does not want it in the store.
      if (imagePath !== "") return [];
      const { tarOfDirectory } = await loadTar();
      const tar = tarOfDirectory(ctx, place.path);
      const { spec } = await services.containers.get(ctx, id);
      const config = Any.encode(Any.create(spec ?? {})).finish();
      return [
        await store(ctx, services, MEDIA_TYPES.image, `${id}-image`, tar),
        await store(ctx, services, MEDIA_TYPES.config, `${id}-config`, [
          config,
        ]),
      ];
    },
  };
}

function imagePathOf(options: TypedValue | undefined): string {
  return options?.typeUrl.endsWith("containerd.runc.v1.CheckpointOptions")
    ? CheckpointOptions.decode(options.value).imagePath
    : "";
}

function temporary(dir: string): { readonly path: string } & Disposable {
  const path = Deno.makeTempDirSync({ dir, prefix: "checkpoint-" });
  return {
    path,
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

async function store(
  ctx: Context,
  { content }: Pick<Stores, "content">,
  mediaType: string,
  name: string,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Descriptor> {
  const ref = `checkpoint-${name}-${crypto.randomUUID()}`;
  await using writer = await content.writer(ctx, ref);
  let size = 0;
  for await (const part of parts) {
    await writer.write(new Uint8Array(part));
    size += part.length;
  }
  const digest = await writer.digest();
  try {
    await writer.commit(ctx);
  } catch (error) {
    if (!hasCode(error, "alreadyExists")) throw error;
  }
  return { mediaType, digest, size };
}
