import type { SnapshotRecords } from "../../core/records.ts";
import { RecordedSnapshotter } from "../../core/recorded_snapshotter.ts";
import type { CleaningSnapshotter } from "../../core/snapshot.ts";
import { NativeDirectories } from "./directories.ts";

export interface NativeSnapshotterDeps {
  /** Directory of this snapshotter alone; made when first needed. */
  readonly root: string;
  readonly records: SnapshotRecords;
}

/**
 * Snapshots as whole copies: they work on any file system and take time and
 * space (less of both where the file system shares blocks between copies).
 */
export function createNativeSnapshotter(
  { root, records }: NativeSnapshotterDeps,
): CleaningSnapshotter {
  return new RecordedSnapshotter(records, new NativeDirectories(root));
}
