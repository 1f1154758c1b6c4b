/**
 * Files of a daemon's containers. It is on this machine, so what its snapshots
 * are is mounted here: by root, who may.
 */

import type { ContentStore } from "../../core/content.ts";
import type { Differ } from "../../core/diff.ts";
import type { FileTrees } from "../../core/file_tree.ts";
import type { Mounter } from "../../core/mount.ts";
import { throughSocket } from "../../core/through_socket.ts";
import { lazyDiffer, lazyFileTrees } from "../lazy_services.ts";

const ROOT_HINT = "Run it as root, who may mount what the daemon keeps";

/** @throws {EngineError} `unimplemented`, at the first use, unless for root */
export function remoteFileTrees(uid: number | null): FileTrees {
  return lazyFileTrees(async () => {
    if (uid !== 0) {
      throw throughSocket("look at the files of a container", ROOT_HINT);
    }
    const { createFileTrees } = await import("../file_trees.ts");
    return createFileTrees({ ids: "all" });
  });
}

export interface LocalDifferDeps {
  /** The daemon's, which unpacks layers. */
  readonly differ: Differ;
  readonly content: ContentStore;
  readonly mounter: Mounter;
}

/**
 * Compares here, where more is known: which files stand for mounts only, and
 * how layers of docker's images are called. For others than root the daemon
 * compares as it can.
 */
export function remoteRootDiffer(
  { differ, content, mounter }: LocalDifferDeps,
  uid: number | null,
): Differ {
  const local = lazyDiffer(async () => {
    if (uid !== 0) throw throughSocket("list changed files", ROOT_HINT);
    const { createWalkingDiffer } = await import(
      "../../drivers/diff_walking/compare.ts"
    );
    return createWalkingDiffer({
      content,
      mounter,
      newId: () => crypto.randomUUID(),
      apply: (ctx, layer, mounts) => differ.apply(ctx, layer, mounts),
    });
  });
  return {
    apply: (ctx, layer, mounts) => differ.apply(ctx, layer, mounts),
    compare: (ctx, lower, upper, options) =>
      (uid === 0 ? local : differ).compare(ctx, lower, upper, options),
    changes: (ctx, lower, upper, uncounted) =>
      local.changes(ctx, lower, upper, uncounted),
  };
}
