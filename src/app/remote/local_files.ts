/**
 * Files of a daemon's containers. It is on this machine, so what its snapshots
 * are is mounted here: by root, who may, if only in the daemon's namespace.
 */

import type { ContentStore } from "../../core/content.ts";
import type { Differ } from "../../core/diff.ts";
import type { FileTrees } from "../../core/file_tree.ts";
import type { Mounter } from "../../core/mount.ts";
import { throughSocket } from "../../core/through_socket.ts";
import { createMounter } from "../../drivers/mounter/mounter.ts";
import { lazyDiffer, lazyFileTrees } from "../lazy_services.ts";
import type { Identity } from "../rootless/identity.ts";

const ROOT_HINT = "Run it as root, who may mount what the daemon keeps";

/**
 * What this process may do with files: whose it can make them, or nothing, as
 * an ordinary user whose daemon is root's.
 */
export type FileReach = "all" | "ranges" | "single" | "none";

export function reachOf(identity: Identity): FileReach {
  switch (identity.kind) {
    case "root":
      return "all";
    case "rootless":
      return identity.ids;
    case "ordinary":
      return "none";
    default:
      return identity satisfies never;
  }
}

/** @throws {EngineError} `unimplemented`, at the first use, without reach */
export function remoteFileTrees(reach: FileReach): FileTrees {
  return lazyFileTrees(async () => {
    if (reach === "none") {
      throw throughSocket("look at the files of a container", ROOT_HINT);
    }
    const { createFileTrees } = await import("../file_trees.ts");
    return createFileTrees({ ids: reach });
  });
}

/** Without reach, nothing is mounted here. */
export function remoteMounter(reach: FileReach): Mounter {
  if (reach !== "none") return createMounter();
  const refuse = () =>
    Promise.reject(
      throughSocket("mount the files of a container", ROOT_HINT),
    );
  return {
    mount: refuse,
    open: refuse,
    unmountAll: () => Promise.resolve(),
  };
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
  reach: FileReach,
): Differ {
  const local = lazyDiffer(async () => {
    if (reach === "none") throw throughSocket("list changed files", ROOT_HINT);
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
      (reach === "none" ? differ : local).compare(ctx, lower, upper, options),
    changes: (ctx, lower, upper, uncounted) =>
      local.changes(ctx, lower, upper, uncounted),
  };
}
