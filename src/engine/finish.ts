/** What is done after a container's process has ended, by whomever. */

import type { Context } from "../base/context.ts";
import { unlessMissing } from "../base/errors.ts";
import { sharedMemoryPath } from "../core/shared_paths.ts";
import type { Bundle, BundleRecord } from "../core/task.ts";
import type { TaskStatus } from "../core/task_status.ts";
import { recordParts } from "./container_record.ts";
import { containerDirectory, type LifeDeps } from "./life_deps.ts";
import { removeSnapshot } from "./remove_snapshot.ts";
import { publishDelete, publishExit } from "./task_events.ts";
import { removeAnonymous } from "./volumes.ts";

/**
 * Unmounts the root file system, and removes the container or records how it
 * ended, as its bundle says. The bundle goes last: until then another process
 * can take the work up. May be repeated.
 *
 * @param status `stopped` after it ran; `created` if it could not be started
 */
export async function finishContainer(
  ctx: Context,
  deps: LifeDeps,
  bundle: Bundle,
  status: TaskStatus,
): Promise<void> {
  const { services } = deps;
  const { id, removal } = bundle.record;
  const ended = { ...status, pid: 0 };
  await unmount(ctx, services, bundle);
  const hasRun = status.state === "stopped";
  if (hasRun) await publishExit(ctx, services, id, status);
  if (removal === "keep") {
    const spec = await unrecordedSpec(ctx, deps, bundle);
    await recordParts(ctx, services, id, {
      status: ended,
      ...spec === undefined ? {} : { spec },
    });
  }
  if (hasRun) await publishDelete(ctx, services, id, status);
  if (removal === "onExit") await removeParts(ctx, deps, bundle.record);
  bundle.remove();
}

/**
 * A command records the spec while the runtime works. If it was killed before
 * that, the bundle alone has what the next start needs.
 */
async function unrecordedSpec(
  ctx: Context,
  { services }: LifeDeps,
  bundle: Bundle,
): Promise<string | undefined> {
  const { id } = bundle.record;
  const container = await unlessMissing(services.containers.get(ctx, id));
  return container?.spec === undefined ? bundle.spec() : undefined;
}

/** Takes back a container that was never complete. May be repeated. */
export async function discardContainer(
  ctx: Context,
  deps: LifeDeps,
  bundle: Bundle,
): Promise<void> {
  await unmount(ctx, deps.services, bundle);
  await removeParts(ctx, deps, bundle.record);
  bundle.remove();
}

/** Takes back a bundle in which nothing was started. */
export async function discardBundle(
  ctx: Context,
  { services }: LifeDeps,
  bundle: Bundle,
): Promise<void> {
  await unmount(ctx, services, bundle);
  bundle.remove();
}

/** The root file system, and the memory of those who share it. */
async function unmount(
  ctx: Context,
  { mounter }: LifeDeps["services"],
  { rootfs, path }: Bundle,
): Promise<void> {
  await mounter.unmountAll(ctx, rootfs);
  await mounter.unmountAll(ctx, sharedMemoryPath(path));
}

/** All that there is of a container but its bundle. */
async function removeParts(
  ctx: Context,
  deps: LifeDeps,
  record: BundleRecord,
): Promise<void> {
  const { services, volumesPath } = deps;
  const { id, namespace } = record;
  await removeSnapshot(ctx, services, record);
  // Somebody else may have removed it meanwhile.
  await unlessMissing(services.containers.delete(ctx, id));
  const { host } = services;
  removeAnonymous(host, `${volumesPath}/${namespace}`, id);
  host.removeDirectory(containerDirectory(deps, namespace, id));
}
