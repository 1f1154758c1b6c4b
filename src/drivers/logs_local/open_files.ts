/** The files of one log, while their writer goes on and renames them. */

/** One of the files, open: it stays the same whatever it is renamed to. */
export interface OpenLogFile extends Disposable {
  readonly file: Deno.FsFile;
  /** Tells it from the others. */
  readonly inode: string;
}

/**
 * Opens the current file and all rotated ones, oldest first.
 *
 * From the newest on, because that is the way they are renamed: one that is
 * renamed meanwhile is met again under its next name, but none is missed.
 * @param maxFiles how many there are at most
 */
export async function openLogFiles(
  path: string,
  maxFiles: number,
): Promise<OpenLogFile[]> {
  const files: OpenLogFile[] = [];
  const seen = new Set<string>();
  // One more: what has just been the last is about to go.
  for (let index = 0; index <= maxFiles; index++) {
    const opened = await openIfThere(index === 0 ? path : `${path}.${index}`);
    if (opened === undefined) continue;
    if (seen.has(opened.inode)) opened[Symbol.dispose]();
    else files.unshift(opened);
    seen.add(opened.inode);
  }
  return files;
}

/** The file that is written to now; undefined between two. */
export async function currentInode(path: string): Promise<string | undefined> {
  try {
    return inodeOf(await Deno.stat(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Bytes of all files. */
export async function sizeOfLogFiles(
  path: string,
  maxFiles: number,
): Promise<number> {
  let bytes = 0;
  for (let index = 0; index < maxFiles; index++) {
    try {
      const name = index === 0 ? path : `${path}.${index}`;
      bytes += (await Deno.stat(name)).size;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return bytes;
}

async function openIfThere(path: string): Promise<OpenLogFile | undefined> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  return {
    file,
    inode: inodeOf(await file.stat()),
    [Symbol.dispose]: () => file.close(),
  };
}

function inodeOf({ dev, ino }: Deno.FileInfo): string {
  return `${dev}:${ino}`;
}
