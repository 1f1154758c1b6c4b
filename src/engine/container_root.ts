/** Of what a container's root file system is made while nobody runs it. */

import type { Context } from "../base/context.ts";
import { failedPrecondition } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import type { Mount } from "../core/mount.ts";
import type { Services } from "../core/services.ts";
import { ROOTFS } from "./container_record.ts";
import {
  containerName,
  containerSpec,
  type ContainerSpecView,
} from "./inspect_find.ts";
import { shownMounts } from "./inspect_mounts.ts";
import { whileThere } from "./while_there.ts";

export type ContainerRoot =
  | { readonly kind: "snapshot"; readonly mounts: readonly Mount[] }
  /** A directory of the host: `--rootfs`. */
  | { readonly kind: "directory"; readonly path: string };

/** @throws {EngineError} `failedPrecondition` if it has neither */
export async function containerRoot(
  ctx: Context,
  services: Services,
  container: Container,
): Promise<ContainerRoot> {
  const { snapshotter, snapshotKey } = container;
  const keeper = services.snapshotters.get(snapshotter);
  if (keeper !== undefined && snapshotKey !== "") {
    const mounts = await whileThere(
      ctx,
      services,
      container,
      () => keeper.mounts(ctx, snapshotKey),
    );
    return { kind: "snapshot", mounts };
  }
  const path = (await containerSpec(ctx, services, container))?.root?.path;
  if (path !== undefined && path !== ROOTFS) return { kind: "directory", path };
  throw failedPrecondition(
    `Cannot open the files of container "${containerName(container)}": it ` +
      "has no root file system in this store",
  );
}

/**
 * Where the engine mounts something in every container. Volumes are not among
 * them: the user asked for those, and sees that their places were made.
 */
export function ownMountPoints(spec: ContainerSpecView): ReadonlySet<string> {
  const users = new Set(
    shownMounts(spec).map(({ Destination }) => Destination),
  );
  return new Set(
    (spec.mounts ?? []).map(({ destination }) => destination)
      .filter((destination) => !users.has(destination)),
  );
}
