import {
  bytesOf,
  type ByteString,
  type Entry,
  readEntry,
  readNames,
} from "./entry.ts";
import { ERRNO, hasErrno } from "./errno.ts";

/** What a directory holds, itself counted. */
export interface DiskUsage {
  readonly inodes: number;
  /** Bytes on disk, hard links counted once, holes not counted. */
  readonly sizeBytes: number;
}

/** Entries between two pauses in which others may run. */
const BATCH = 2000;

/** Sums up a tree; what vanishes meanwhile is left out. Links not followed. */
export async function diskUsage(
  root: string,
  signal?: AbortSignal,
): Promise<DiskUsage> {
  const walk: Walk = {
    seen: new Set(),
    queue: [bytesOf(root)],
    total: { inodes: 0, sizeBytes: 0 },
  };
  for (let count = 1;; count++) {
    const path = walk.queue.pop();
    if (path === undefined) return walk.total;
    const entry = ifPresent(() => readEntry(path));
    if (entry !== undefined) addEntry(path, entry, walk);
    if (count % BATCH !== 0) continue;
    signal?.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

interface Walk {
  /** Files with several names that were met already. */
  readonly seen: Set<string>;
  readonly queue: ByteString[];
  readonly total: { inodes: number; sizeBytes: number };
}

function addEntry(
  path: ByteString,
  entry: Entry,
  { seen, total, queue }: Walk,
): void {
  if (entry.kind !== "directory" && entry.links > 1) {
    if (seen.has(entry.identity)) return;
    seen.add(entry.identity);
  }
  total.inodes++;
  total.sizeBytes += entry.allocated;
  if (entry.kind !== "directory") return;
  for (const name of ifPresent(() => readNames(path)) ?? []) {
    queue.push(`${path}/${name}`);
  }
}

function ifPresent<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (hasErrno(error, ERRNO.ENOENT)) return undefined;
    throw error;
  }
}
