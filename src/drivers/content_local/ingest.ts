import type { Digest } from "../../base/digest.ts";
import { unavailable } from "../../base/errors.ts";
import type { ExpectedContent, IngestStatus } from "../../core/content.ts";
import type { StoredIngest } from "../../core/records.ts";
import { isNotEmpty, removeTree } from "../../sys/remove_tree.ts";
import { writeWhole } from "../../sys/write_whole.ts";
import {
  entries,
  FILE_MODE,
  type Layout,
  makeDirectory,
  statOrNone,
} from "./layout.ts";

/** What `info.json` says about an ingest. */
interface IngestInfo {
  readonly namespace: string;
  readonly ref: string;
  readonly expected?: Digest;
  /** Bytes; 0 if unknown. */
  readonly total: number;
  /** ISO 8601. */
  readonly startedAt: string;
}

const paths = (directory: string) => ({
  data: `${directory}/data`,
  info: `${directory}/info.json`,
  lock: `${directory}/lock`,
});

/**
 * An ingest that this process writes to. The lock is of the kernel's kind: it
 * ends with its holder, however that ends.
 */
export class HeldIngest implements Disposable {
  readonly directory: string;
  readonly #lock: Deno.FsFile;

  private constructor(directory: string, lock: Deno.FsFile) {
    this.directory = directory;
    this.#lock = lock;
  }

  /**
   * Takes the ingest, making it if need be.
   * @throws {EngineError} `unavailable` if another writer holds it
   */
  static take(
    directory: string,
    info: Omit<IngestInfo, "startedAt">,
    now: () => Date,
  ): HeldIngest {
    for (;;) {
      makeIngest(directory);
      const lock = tryLock(directory);
      if (lock === "gone") continue; // removed by its last holder just now
      if (lock === "held") {
        throw unavailable(`Cannot write ref "${info.ref}": it is locked`, {
          hint: "Another process is writing the same content",
        });
      }
      writeInfo(directory, info, now);
      return new HeldIngest(directory, lock);
    }
  }

  get dataPath(): string {
    return paths(this.directory).data;
  }

  /** False once it was aborted; what has its place now is somebody else's. */
  get isCurrent(): boolean {
    return isAt(paths(this.directory).lock, this.#lock);
  }

  /** Removes the ingest, while it is still locked. */
  remove(): void {
    if (this.isCurrent) removeIngest(this.directory);
  }

  [Symbol.dispose](): void {
    this.#lock.close();
  }
}

function makeIngest(directory: string): void {
  try {
    makeDirectory(directory);
  } catch (error) {
    // Found there, and then removed by its last holder before it was looked at.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

function tryLock(directory: string): Deno.FsFile | "held" | "gone" {
  const path = paths(directory).lock;
  const options = { read: true, write: true, create: true, mode: FILE_MODE };
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, options);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "gone";
    throw error;
  }
  if (!file.tryLockSync(true)) {
    file.close();
    return "held";
  }
  // A lock on a file that was removed meanwhile protects nothing.
  if (isAt(path, file)) return file;
  file.close();
  return "gone";
}

function isAt(path: string, file: Deno.FsFile): boolean {
  return statOrNone(path)?.ino === file.statSync().ino;
}

/**
 * Removes an ingest, its lock last: as soon as that is gone, another writer
 * may take the directory for an ingest of its own, and keeps it then.
 */
export function removeIngest(directory: string): void {
  const { lock } = paths(directory);
  for (const { name } of entries(directory)) {
    const path = `${directory}/${name}`;
    if (path !== lock) removeTree(path);
  }
  removeTree(lock);
  removeEmpty(directory);
}

function removeEmpty(directory: string): void {
  try {
    Deno.removeSync(directory);
  } catch (error) {
    const isOthers = error instanceof Deno.errors.NotFound ||
      isNotEmpty(error);
    if (!isOthers) throw error;
  }
}

function writeInfo(
  directory: string,
  info: Omit<IngestInfo, "startedAt">,
  now: () => Date,
): void {
  const path = paths(directory).info;
  const known = readInfo(directory);
  if (known?.expected === info.expected && known?.total === info.total) return;
  const startedAt = known?.startedAt ?? now().toISOString();
  const text = JSON.stringify({ ...info, startedAt } satisfies IngestInfo);
  writeWhole(path, text, FILE_MODE);
}

function readInfo(directory: string): IngestInfo | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(paths(directory).info));
  } catch (error) {
    const isAbsent = error instanceof Deno.errors.NotFound ||
      error instanceof SyntaxError;
    if (isAbsent) return undefined;
    throw error;
  }
}

/** The state of an ingest, held or not; undefined if there is none. */
export function readIngest(
  directory: string,
): { readonly namespace: string; readonly status: IngestStatus } | undefined {
  const info = readInfo(directory);
  if (info === undefined) return undefined;
  const data = statOrNone(paths(directory).data);
  const startedAt = new Date(info.startedAt);
  const status = {
    ref: info.ref,
    offset: data?.size ?? 0,
    total: info.total,
    ...(info.expected === undefined ? {} : { expected: info.expected }),
    startedAt,
    updatedAt: data?.mtime ?? startedAt,
  };
  return { namespace: info.namespace, status };
}

/** Every ingest of every namespace. */
export function* walkIngests(layout: Layout): Generator<StoredIngest> {
  for (const { name } of entries(layout.ingests)) {
    const ingest = readIngest(`${layout.ingests}/${name}`);
    if (ingest === undefined) continue;
    const { namespace, status } = ingest;
    const { ref, expected, updatedAt, offset } = status;
    const known = { id: name, namespace, ref, updatedAt, offset };
    yield expected === undefined ? known : { ...known, expected };
  }
}

/** Removes an ingest unless somebody holds it; says whether it did. */
export function removeUnheld(directory: string): boolean {
  if (statOrNone(directory) === undefined) return true;
  const lock = tryLock(directory);
  if (lock === "held") return false;
  if (lock === "gone") return true;
  using _lock = lock;
  removeIngest(directory);
  return true;
}

/** True while a writer holds the ingest. */
export function isHeld(directory: string): boolean {
  if (statOrNone(paths(directory).lock) === undefined) return false;
  const lock = tryLock(directory);
  if (lock === "held") return true;
  if (lock !== "gone") lock.close();
  return false;
}

/** Fields of `info.json` that a descriptor gives. */
export function ingestInfo(
  namespace: string,
  ref: string,
  { digest, size = 0 }: ExpectedContent = {},
): Omit<IngestInfo, "startedAt"> {
  const base = { namespace, ref, total: size };
  return digest === undefined ? base : { ...base, expected: digest };
}
