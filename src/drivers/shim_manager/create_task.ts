/** What a daemon makes of a client's request for a task. */

import type { Context } from "../../base/context.ts";
import { EngineError, hasCode } from "../../base/errors.ts";
import type { Container } from "../../core/container.ts";
import type { Bundle, BundleStore } from "../../core/task.ts";
import { NEW_STATUS } from "../../core/task_status.ts";
import type { TaskCreateRequest } from "../../core/task_service.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import type { KeptShim } from "./kept_shim.ts";
import { shimKind } from "./runtime_name.ts";
import type { ShimWire } from "./wire.ts";

export interface CreateTaskDeps {
  readonly wire: ShimWire;
  /** Where runc keeps its state, in a directory for each namespace. */
  readonly runtimeRoot: string;
  /** Whether a shim of ours keeps the containers of a runtime. */
  readonly isOurs: (runtime: string) => boolean;
}

/** Puts a checkpoint into a directory. */
export type UnpackCheckpoint = (
  checkpoint: Descriptor,
  directory: string,
) => Promise<void>;

/** In the bundle. */
const CHECKPOINT = "checkpoint";

/**
 * With the container's spec.
 * @throws {EngineError} `alreadyExists` in containerd's words
 */
export function makeBundle(
  ctx: Context,
  bundles: BundleStore,
  container: Container,
  runtime: string,
): Bundle {
  const { id, snapshotter, snapshotKey, spec } = container;
  const { namespace } = ctx;
  let bundle: Bundle;
  try {
    bundle = bundles.create(ctx, {
      ...{ id, namespace, runtime, snapshotter, snapshotKey },
      removal: "byClient",
    });
  } catch (error) {
    if (!hasCode(error, "alreadyExists")) throw error;
    // Clients look for these words.
    throw new EngineError("alreadyExists", `task ${id}: already exists`, {
      cause: error,
    });
  }
  bundle.writeSpec(new TextDecoder().decode(spec?.value));
  return bundle;
}

/**
 * Where the image is from which the task is restored. The shim reads it when
 * the task is started, so that it stays for as long as the bundle does.
 * @returns a directory; empty for a task that starts afresh
 */
export async function placeCheckpoint(
  wire: ShimWire,
  { path }: Bundle,
  { checkpoint, options }: TaskCreateRequest,
  unpack: UnpackCheckpoint,
): Promise<string> {
  const given = wire.decodeImagePath(options);
  if (given !== "" || checkpoint === undefined) return given;
  const directory = `${path}/${CHECKPOINT}`;
  await Deno.mkdir(directory, { mode: 0o700 });
  await unpack(checkpoint, directory);
  return directory;
}

/** @returns the number of its process on the host */
export async function createTask(
  ctx: Context,
  { wire, runtimeRoot, isOurs }: CreateTaskDeps,
  { bundle, connection }: KeptShim,
  { request, checkpoint, runtime }: {
    readonly request: TaskCreateRequest;
    /** Directory to restore it from; empty if it starts afresh. */
    readonly checkpoint: string;
    readonly runtime: Container["runtime"];
  },
): Promise<number> {
  const { id, rootfs, stdin, stdout, stderr, terminal } = request;
  const given = request.options ?? runtime.options;
  const isRunc = shimKind(runtime.name) === "runc" || isOurs(runtime.name);
  const options = isRunc ? wire.withRuncRoot(given, runtimeRoot) : given;
  const pid = await connection.create(ctx, {
    ...{ id, rootfs, stdin, stdout, stderr, terminal, checkpoint },
    bundle: bundle.path,
    ...options === undefined ? {} : { options },
  });
  bundle.writeStatus({ ...NEW_STATUS, pid });
  return pid;
}
