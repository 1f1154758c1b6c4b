import type { Context } from "../../base/context.ts";
import { hasCode, invalidArgument } from "../../base/errors.ts";
import type { SnapshotRecords } from "../../core/records.ts";
import { RecordedSnapshotter } from "../../core/recorded_snapshotter.ts";
import type {
  CleaningSnapshotter,
  SnapshotOptions,
  StagedLayer,
  StagingSnapshotter,
} from "../../core/snapshot.ts";
import { OverlayDirectories, type OverlayFeatures } from "./directories.ts";

export interface OverlaySnapshotterDeps {
  /** Directory of this snapshotter alone; made when first needed. */
  readonly root: string;
  readonly records: SnapshotRecords;
  readonly features: OverlayFeatures;
}

/** Snapshots as the kernel's overlay file system stacks them. */
export function createOverlaySnapshotter(
  deps: OverlaySnapshotterDeps,
): StagingSnapshotter & CleaningSnapshotter {
  return new OverlaySnapshotter(
    deps.records,
    new OverlayDirectories(deps.root, deps.features),
  );
}

class OverlaySnapshotter extends RecordedSnapshotter
  implements StagingSnapshotter {
  readonly #overlay: OverlayDirectories;

  constructor(records: SnapshotRecords, directories: OverlayDirectories) {
    super(records, directories);
    this.#overlay = directories;
  }

  async stage(ctx: Context, key: string): Promise<StagedLayer> {
    const id = this.records.reserve(ctx, key);
    try {
      return { key, path: await this.#overlay.createStaged(id) };
    } catch (error) {
      this.records.release(ctx, id);
      throw error;
    }
  }

  async commitStaged(
    ctx: Context,
    staged: StagedLayer,
    name: string,
    parent: string,
    options: SnapshotOptions = {},
  ): Promise<void> {
    const id = this.#idOf(staged);
    const { labels = {} } = options;
    const usage = options.usage ?? await this.#overlay.usage(ctx, id);
    try {
      this.records.commitReserved(ctx, id, { name, parent, usage, labels });
    } catch (error) {
      if (hasCode(error, "alreadyExists")) await this.dropStaged(ctx, staged);
      throw error;
    }
  }

  async dropStaged(ctx: Context, staged: StagedLayer): Promise<void> {
    const id = this.#idOf(staged);
    this.records.release(ctx, id);
    await this.discard(ctx, id);
  }

  #idOf(staged: StagedLayer): number {
    const id = this.#overlay.idOf(staged.path);
    if (id !== undefined) return id;
    throw invalidArgument(
      `Cannot find the staged layer "${staged.key}" at "${staged.path}"`,
    );
  }
}
