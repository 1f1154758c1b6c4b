import { dataLoss, invalidArgument } from "../../base/errors.ts";
import type { Context } from "../../base/context.ts";
import type { Mount } from "../../core/mount.ts";
import type { SnapshotRecord } from "../../core/records.ts";
import type { SnapshotDirectories } from "../../core/recorded_snapshotter.ts";
import type { SnapshotUsage } from "../../core/snapshot.ts";
import { diskUsage } from "../../sys/disk_usage.ts";

export interface OverlayFeatures {
  /** In a user namespace overlay keeps its marks in `user.*` attributes. */
  readonly attributes: "trusted" | "user";
  /** Whether the kernel knows `index=`, which has to be off for our use. */
  readonly index: "known" | "unknown";
}

const ROOT_OWNED = { uid: null, gid: null, mode: 0o755 };

/**
 * `ID/fs` holds the layer's files as overlay keeps them; `ID/work`, only of
 * active snapshots, is overlay's own.
 */
export class OverlayDirectories implements SnapshotDirectories {
  readonly #root: string;
  readonly #options: readonly string[];

  /** @throws {EngineError} `invalidArgument` if overlay can't take the path */
  constructor(root: string, features: OverlayFeatures) {
    if (/[,:\\]/.test(root)) {
      throw invalidArgument(`Cannot keep overlay snapshots in "${root}"`, {
        hint:
          "Choose a --root without commas, colons and backslashes in its path",
      });
    }
    this.#root = root;
    this.#options = [
      ...(features.index === "known" ? ["index=off"] : []),
      ...(features.attributes === "user" ? ["userxattr"] : []),
    ];
  }

  files(id: number): string {
    return `${this.#root}/${id}/fs`;
  }

  #work(id: number): string {
    return `${this.#root}/${id}/work`;
  }

  /** The id of a directory that `files` named; undefined if it named none. */
  idOf(files: string): number | undefined {
    const id = Number(files.slice(this.#root.length + 1, -"/fs".length));
    return Number.isSafeInteger(id) && this.files(id) === files
      ? id
      : undefined;
  }

  create(
    _ctx: Context,
    { id, kind }: SnapshotRecord,
    parentIds: readonly number[],
  ): Promise<void> {
    return new Promise((resolve) => resolve(this.#create(id, kind, parentIds)));
  }

  #create(
    id: number,
    kind: SnapshotRecord["kind"],
    [parent]: readonly number[],
  ): void {
    if (!makeDirectory(`${this.#root}/${id}`, 0o700)) {
      Deno.mkdirSync(this.#root, { recursive: true, mode: 0o700 });
      makeDirectory(`${this.#root}/${id}`, 0o700);
    }
    if (kind === "active") makeDirectory(this.#work(id), 0o711);
    if (!makeDirectory(this.files(id), 0o755)) return;
    // The upper directory is what the container sees as its root.
    const like = parent === undefined ? ROOT_OWNED : this.#stat(parent);
    if ((like.uid ?? 0) !== 0 || (like.gid ?? 0) !== 0) {
      Deno.chownSync(this.files(id), like.uid, like.gid);
    }
    Deno.chmodSync(this.files(id), (like.mode ?? 0o755) & 0o7777);
  }

  #stat(id: number): Pick<Deno.FileInfo, "uid" | "gid" | "mode"> {
    try {
      return Deno.statSync(this.files(id));
    } catch (cause) {
      throw dataLoss(`Cannot find the layer "${this.files(id)}"`, {
        cause,
        hint: "Run coracle fsck --repair, then pull the image again",
      });
    }
  }

  /** An empty directory for one layer, whatever was there before. */
  async createStaged(id: number): Promise<string> {
    await this.delete(id);
    await Deno.mkdir(this.files(id), { recursive: true, mode: 0o700 });
    await Deno.chmod(this.files(id), 0o755);
    return this.files(id);
  }

  mounts(
    { id, kind }: SnapshotRecord,
    parentIds: readonly number[],
  ): readonly Mount[] {
    const [parent] = parentIds;
    if (parent === undefined) {
      return [bind(this.files(id), kind === "view" ? "ro" : "rw")];
    }
    if (kind !== "active" && parentIds.length === 1) {
      return [bind(this.files(parent), "ro")];
    }
    const upper = kind === "active"
      ? [`workdir=${this.#work(id)}`, `upperdir=${this.files(id)}`]
      : [];
    const lower = parentIds.map((parentId) => this.files(parentId)).join(":");
    return [{
      type: "overlay",
      source: "overlay",
      options: [...this.#options, ...upper, `lowerdir=${lower}`],
    }];
  }

  usage(ctx: Context, id: number): Promise<SnapshotUsage> {
    return diskUsage(this.files(id), ctx.signal);
  }

  async list(): Promise<readonly number[]> {
    const ids: number[] = [];
    try {
      for await (const { name } of Deno.readDir(this.#root)) {
        if (/^\d+$/.test(name)) ids.push(Number(name));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return ids;
  }

  async delete(id: number): Promise<void> {
    try {
      await Deno.remove(`${this.#root}/${id}`, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

function bind(source: string, access: "ro" | "rw"): Mount {
  return { type: "bind", source, options: [access, "rbind"] };
}

/** @returns true if it was not there before; false also if its parent isn't */
function makeDirectory(path: string, mode: number): boolean {
  try {
    Deno.mkdirSync(path, { mode });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
