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
  const seen = new Set<string>();
  const total = { inodes: 0, sizeBytes: 0 };
  const queue = [root];
  let untilPause = BATCH;
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    addEntry(path, { seen, total, queue });
    if (--untilPause === 0) {
      untilPause = BATCH;
      signal?.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
  return total;
}

interface Walk {
  /** Files with several names that were met already. */
  readonly seen: Set<string>;
  readonly total: { inodes: number; sizeBytes: number };
  readonly queue: string[];
}

function addEntry(path: string, { seen, total, queue }: Walk): void {
  const info = ifPresent(() => Deno.lstatSync(path));
  if (info === undefined) return;
  if (!info.isDirectory && (info.nlink ?? 1) > 1) {
    const inode = `${info.dev}:${info.ino}`;
    if (seen.has(inode)) return;
    seen.add(inode);
  }
  total.inodes++;
  total.sizeBytes += (info.blocks ?? 0) * 512;
  if (!info.isDirectory) return;
  for (const { name } of ifPresent(() => [...Deno.readDirSync(path)]) ?? []) {
    queue.push(`${path}/${name}`);
  }
}

function ifPresent<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
