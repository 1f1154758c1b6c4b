/** What is done after a container's process has ended, by whomever. */

import type { Context } from "../base/context.ts";
import { hasCode } from "../base/errors.ts";
import type { Services } from "../core/services.ts";
import type { Bundle, BundleRecord, ExitStatus } from "../core/task.ts";
import { CONTAINER_LABEL } from "./container_labels.ts";
import { anonymousVolumes } from "./volumes.ts";

export interface FinishDeps {
  readonly services: Services;
  /** Directory of all volumes. */
  readonly volumesPath: string;
}

/**
 * Unmounts the root file system, and removes the container or records how it
 * ended, as its bundle says. The bundle goes last: until then another process
 * can take the work up. May be repeated.
 */
export async function finishContainer(
  ctx: Context,
  deps: FinishDeps,
  bundle: Bundle,
  status: ExitStatus,
): Promise<void> {
  const { record } = bundle;
  await deps.services.mounter.unmountAll(ctx, bundle.rootfs);
  if (record.removal === "onExit") await remove(ctx, deps, record);
  else await recordExit(ctx, deps.services, record.id, status);
  bundle.remove();
}

async function remove(
  ctx: Context,
  { services, volumesPath }: FinishDeps,
  { id, namespace, snapshotter, snapshotKey }: BundleRecord,
): Promise<void> {
  if (snapshotKey !== "") {
    await ignoreMissing(
      services.snapshotters.get(snapshotter)?.remove(ctx, snapshotKey),
    );
  }
  await ignoreMissing(services.containers.delete(ctx, id));
  services.host.removeDirectory(
    anonymousVolumes(`${volumesPath}/${namespace}`, id),
  );
}

async function recordExit(
  ctx: Context,
  services: Services,
  id: string,
  { exitCode, exitedAt }: ExitStatus,
): Promise<void> {
  const labels = {
    [CONTAINER_LABEL.exitCode]: String(exitCode),
    [CONTAINER_LABEL.exitedAt]: exitedAt.toISOString(),
  };
  const paths = Object.keys(labels).map((key) => `labels.${key}`);
  await ignoreMissing(
    services.containers.update(
      ctx,
      { id, labels, runtime: { name: "" } },
      paths,
    ),
  );
}

/** Somebody else may have removed it meanwhile. */
async function ignoreMissing(work: Promise<unknown> | undefined) {
  try {
    await work;
  } catch (error) {
    if (!hasCode(error, "notFound")) throw error;
  }
}
