import type { Context } from "../base/context.ts";
import type { FsckFinding } from "../core/fsck.ts";
import type { Host } from "../core/host.ts";
import type { Mount } from "../core/mount.ts";
import type { SnapshotInfo } from "../core/snapshot.ts";
import type { NamespaceCensus, ServedStore } from "./fsck_census.ts";

type Snapshots = ReadonlyMap<string, SnapshotInfo>;

/**
 * Directories of layers, of which the mounts of what is built on them tell, in
 * the context's namespace. Of each layer once; of one on which nothing is built
 * nobody tells.
 */
export async function* checkServedLayers(
  ctx: Context,
  { snapshotters, host }: Pick<ServedStore, "snapshotters" | "host">,
  { namespace, snapshots: all }: NamespaceCensus,
): AsyncIterable<FsckFinding> {
  for (const [snapshotter, snapshots] of all) {
    const seen = new Set<string>();
    for (const snapshot of snapshots.values()) {
      const { kind, name, parent } = snapshot;
      if (kind === "committed" || parent === "" || seen.has(parent)) continue;
      ctx.signal.throwIfAborted();
      const mounts = await snapshotters.get(snapshotter)?.mounts(ctx, name)
        // Whoever can't tell its size either is reported for that.
        .catch(() => undefined) ?? [];
      for (const [layer, path] of layersOf(snapshot, snapshots, mounts)) {
        if (seen.has(layer)) continue;
        seen.add(layer);
        if (!isMissing(host, path)) continue;
        yield {
          ...{ kind: "snapshot-missing", severity: "error", subject: layer },
          ...{ action: "none", state: "found" },
          detail: `Its directory "${path}" of ${snapshotter} is gone ` +
            `(namespace "${namespace}")`,
        };
      }
    }
  }
}

/** Names of the layers below a snapshot, the nearest first, and their paths. */
function layersOf(
  snapshot: SnapshotInfo,
  snapshots: Snapshots,
  mounts: readonly Mount[],
): readonly (readonly [layer: string, path: string])[] {
  const names: string[] = [];
  for (
    let at: SnapshotInfo | undefined = snapshot;
    at !== undefined && at.parent !== "";
    at = snapshots.get(at.parent)
  ) names.push(at.parent);
  const paths = lowerPaths(snapshot, mounts);
  if (paths.length !== names.length) return [];
  return names.map((name, n) => [name, paths[n] ?? ""]);
}

const LOWER = "lowerdir=";

/** None where they are not told one by one. */
function lowerPaths(
  { kind }: SnapshotInfo,
  [mount, ...more]: readonly Mount[],
): readonly string[] {
  if (mount === undefined || more.length > 0) return [];
  // What is only looked at, and is of one layer, is that.
  if (mount.type === "bind" && kind === "view") return [mount.source];
  const lower = mount.options.find((option) => option.startsWith(LOWER)) ?? "";
  // A backslash before a colon would make it part of a name.
  return lower === "" || lower.includes("\\")
    ? []
    : lower.slice(LOWER.length).split(":");
}

/** False for what we can't see. */
function isMissing(host: Host, path: string): boolean {
  if (!path.startsWith("/")) return false;
  try {
    return !host.exists(path);
  } catch {
    return false;
  }
}
