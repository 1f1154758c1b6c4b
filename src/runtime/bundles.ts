/**
 * Bundles in a directory of the state, each with a lock that its keepers hold.
 *
 * `bundles/NAMESPACE.ID/` has `config.json`, `rootfs/`, `record.json`,
 * `status.json`, what the runtime says (`log.json`), and `lock`, held with
 * flock(2), which the kernel gives back whatever becomes of the keepers. They
 * share it, so that the command that starts a container can hand it on to the
 * shim; who gets it alone knows that nobody keeps the bundle any more.
 */

import type { Context } from "../base/context.ts";
import { alreadyExists } from "../base/errors.ts";
import type {
  Bundle,
  BundleRecord,
  BundleStore,
  BundleView,
  TaskRef,
} from "../core/task.ts";
import type { TaskStatus } from "../core/task_status.ts";
import { namesIn } from "../sys/names_in.ts";
import { isNotEmpty, removeTree } from "../sys/remove_tree.ts";
import { writeWhole } from "../sys/write_whole.ts";
import { removeMountPoint } from "./mount_point.ts";

interface BundleStoreDeps {
  /** The state directory. */
  readonly state: string;
}

/** Not locked yet: it is being made, or its maker was killed. */
const UNFINISHED_PREFIX = ".new-";

/** A bundle on its way out: nobody uses it, anybody may delete it. */
const REMOVED_PREFIX = ".old-";

/** Where the bundle of a container is. */
export function bundlePath(
  state: string,
  { namespace, id }: TaskRef,
): string {
  return `${state}/bundles/${namespace}.${id}`;
}

export function createBundleStore(deps: BundleStoreDeps): BundleStore {
  const parent = `${deps.state}/bundles`;
  return {
    create(_ctx: Context, record: BundleRecord): Bundle {
      const path = bundlePath(deps.state, record);
      Deno.mkdirSync(parent, { recursive: true, mode: 0o711 });
      // Nobody can tell yet that this one is kept.
      using _making = lockFile(`${parent}.lock`, "shared");
      // Of a name of its own: others may be making the same container's.
      const unfinished = Deno.makeTempDirSync({
        dir: parent,
        prefix: UNFINISHED_PREFIX,
      });
      const lock = makeBundle(unfinished, record);
      try {
        // Locked before it can be seen: nobody takes it for abandoned.
        Deno.renameSync(unfinished, path);
      } catch (error) {
        lock.close();
        Deno.removeSync(unfinished, { recursive: true });
        if (isOccupied(error)) throw alreadyExists("container", record.id);
        throw error;
      }
      return new LocalBundle(path, record, lock);
    },

    *abandoned(): Iterable<Bundle> {
      removeUnfinished(parent);
      for (const name of namesIn(parent)) {
        const path = `${parent}/${name}`;
        if (name.startsWith(UNFINISHED_PREFIX)) continue;
        if (name.startsWith(REMOVED_PREFIX)) {
          removeTree(path);
          continue;
        }
        const bundle = openBundle(path, "alone");
        if (bundle !== undefined) yield bundle;
      }
    },

    claim(_ctx: Context, task: TaskRef): Bundle | undefined {
      return openBundle(bundlePath(deps.state, task), "alone");
    },

    find(_ctx: Context, task: TaskRef): BundleView | undefined {
      return viewBundle(bundlePath(deps.state, task));
    },

    join(_ctx: Context, task: TaskRef): Bundle | undefined {
      return joinBundle(bundlePath(deps.state, task));
    },

    *list(): Iterable<BundleView> {
      for (const name of namesIn(parent)) {
        if (name.startsWith(".")) continue;
        const view = viewBundle(`${parent}/${name}`);
        if (view !== undefined) yield view;
      }
    },
  };
}

/** Undefined if there is none. */
export function viewBundle(path: string): BundleView | undefined {
  const text = readIfThere(`${path}/record.json`);
  return text === undefined ? undefined : {
    record: JSON.parse(text),
    path,
    status: () => readStatus(path),
  };
}

/**
 * Holds a bundle as its maker does, who must still hold it. For the shim.
 * @returns undefined if it is being cleaned up, or has gone
 */
export function joinBundle(path: string): Bundle | undefined {
  return openBundle(path, "shared");
}

/** @param path of the bundle */
function readStatus(path: string): TaskStatus | undefined {
  const text = readIfThere(`${path}/status.json`);
  return text === undefined ? undefined : JSON.parse(text);
}

function isFile(path: string): boolean {
  try {
    return Deno.lstatSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function makeBundle(path: string, record: BundleRecord): Deno.FsFile {
  Deno.chmodSync(path, 0o711);
  Deno.mkdirSync(`${path}/rootfs`, { mode: 0o711 });
  Deno.writeTextFileSync(`${path}/record.json`, JSON.stringify(record));
  const lock = Deno.openSync(`${path}/lock`, { write: true, create: true });
  lock.lockSync(false);
  return lock;
}

function isOccupied(error: unknown): boolean {
  return error instanceof Deno.errors.AlreadyExists ||
    isNotEmpty(error);
}

/** Undefined if others hold it, or it has just gone. */
function openBundle(
  path: string,
  hold: "alone" | "shared",
): LocalBundle | undefined {
  let lock: Deno.FsFile;
  try {
    lock = Deno.openSync(`${path}/lock`, { write: true });
  } catch {
    return undefined;
  }
  try {
    if (lock.tryLockSync(hold === "alone")) {
      // Its holder may have removed it before letting go.
      const text = Deno.readTextFileSync(`${path}/record.json`);
      return new LocalBundle(path, JSON.parse(text), lock);
    }
  } catch (error) {
    lock.close();
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  lock.close();
  return undefined;
}

/** While somebody makes one, what is unfinished may be theirs: another time. */
function removeUnfinished(parent: string): void {
  const unfinished = namesIn(parent)
    .filter((name) => name.startsWith(UNFINISHED_PREFIX));
  if (unfinished.length === 0) return;
  using alone = lockFile(`${parent}.lock`, "alone");
  if (alone === undefined) return;
  for (const name of unfinished) removeTree(`${parent}/${name}`);
}

/** @returns undefined if it can't be had alone at once */
function lockFile(
  path: string,
  hold: "alone" | "shared",
): Deno.FsFile | undefined {
  const options = { write: true, create: true, mode: 0o600 };
  const file = Deno.openSync(path, options);
  if (hold === "shared") file.lockSync(false);
  else if (!file.tryLockSync(true)) {
    file.close();
    return undefined;
  }
  return file;
}

class LocalBundle implements Bundle {
  readonly path: string;
  readonly record: BundleRecord;
  #lock: Deno.FsFile | undefined;
  #kept: Disposable | undefined;

  constructor(path: string, record: BundleRecord, lock: Deno.FsFile) {
    this.path = path;
    this.record = record;
    this.#lock = lock;
  }

  get rootfs(): string {
    return `${this.path}/rootfs`;
  }

  write(name: string, text: string): string {
    const path = `${this.path}/${name}`;
    Deno.writeTextFileSync(path, text);
    return path;
  }

  replace(name: string, text: string): string {
    const path = `${this.path}/${name}`;
    // A command and the shim may both write.
    writeWhole(path, text);
    return path;
  }

  writeSpec(text: string): void {
    // What has the name may be a pipe, at which a runtime waits.
    this.replace("config.json", text);
  }

  spec(): string | undefined {
    const path = `${this.path}/config.json`;
    // To read a pipe would be to wait for a writer.
    return isFile(path) ? readIfThere(path) : undefined;
  }

  writeStatus(status: TaskStatus): void {
    this.replace("status.json", JSON.stringify(status));
  }

  status(): TaskStatus | undefined {
    return readStatus(this.path);
  }

  remove(): void {
    // Should something still be mounted, nothing in it may be deleted.
    removeMountPoint(this.rootfs);
    // Half removed, it would be nobody's: without its lock, not abandoned.
    const slash = this.path.lastIndexOf("/") + 1;
    // Another one of the same container may still be on its way out.
    const removed = this.path.slice(0, slash) + REMOVED_PREFIX +
      this.path.slice(slash) + `.${crypto.randomUUID().slice(0, 8)}`;
    Deno.renameSync(this.path, removed);
    removeTree(removed);
    this[Symbol.dispose]();
  }

  keep(resource: Disposable): void {
    this.#kept?.[Symbol.dispose]();
    this.#kept = resource;
  }

  [Symbol.dispose](): void {
    this.#kept?.[Symbol.dispose]();
    this.#kept = undefined;
    this.#lock?.close();
    this.#lock = undefined;
  }
}
