import type { Context } from "../../base/context.ts";
import type { Mount } from "../../core/mount.ts";
import type { SnapshotRecord } from "../../core/records.ts";
import type { SnapshotDirectories } from "../../core/recorded_snapshotter.ts";
import type { SnapshotUsage } from "../../core/snapshot.ts";
import { copyTree } from "../../sys/copy_tree.ts";
import { diskUsage } from "../../sys/disk_usage.ts";

/**
 * `ID/fs` holds all files of a snapshot, its parents' as well. A view has no
 * files of its own: it is its parent's directory, read-only.
 */
export class NativeDirectories implements SnapshotDirectories {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  #directory(id: number): string {
    return `${this.#root}/${id}`;
  }

  #files(id: number): string {
    return `${this.#root}/${id}/fs`;
  }

  async create(
    ctx: Context,
    { id, kind }: SnapshotRecord,
    [parent]: readonly number[],
  ): Promise<void> {
    if (await exists(this.#files(id))) return;
    await Deno.mkdir(this.#directory(id), { recursive: true, mode: 0o700 });
    if (parent === undefined) {
      await Deno.mkdir(this.#files(id), { mode: 0o755 });
      await Deno.chmod(this.#files(id), 0o755);
    } else if (kind === "active") {
      // A copy that was cut short never gets the name of a whole one.
      const unfinished = `${this.#files(id)}.new`;
      await removeTree(unfinished);
      await copyTree(this.#files(parent), unfinished, ctx.signal);
      await Deno.rename(unfinished, this.#files(id));
    }
  }

  mounts(
    { id, kind }: SnapshotRecord,
    [parent]: readonly number[],
  ): readonly Mount[] {
    const isView = kind === "view";
    const source = isView ? this.#files(parent ?? id) : this.#files(id);
    return [{
      type: "bind",
      source,
      options: ["rbind", isView ? "ro" : "rw"],
    }];
  }

  /** What it really takes: a copy shares nothing that could be left out. */
  async usage(ctx: Context, id: number): Promise<SnapshotUsage> {
    return await exists(this.#files(id))
      ? await diskUsage(this.#files(id), ctx.signal)
      : { inodes: 0, sizeBytes: 0 };
  }

  async list(): Promise<readonly number[]> {
    const ids: number[] = [];
    if (!(await exists(this.#root))) return ids;
    for await (const { name } of Deno.readDir(this.#root)) {
      if (/^\d+$/.test(name)) ids.push(Number(name));
    }
    return ids;
  }

  delete(id: number): Promise<void> {
    return removeTree(this.#directory(id));
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function removeTree(path: string): Promise<void> {
  if (await exists(path)) await Deno.remove(path, { recursive: true });
}
