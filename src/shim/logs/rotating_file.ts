/**
 * The files of a log: `NAME` is written to; when it is full it becomes
 * `NAME.1`, that `NAME.2`, and so on; the oldest goes.
 */

import type { Rotation } from "../../base/container_log/settings.ts";

/** As docker's. */
const FILE_MODE = 0o640;
const DIRECTORY_MODE = 0o710;

export interface RotatingFileOptions extends Rotation {
  readonly path: string;
  /**
   * How much of a file that a killed process left is whole; what follows is
   * cut off.
   */
  readonly wholeBytes: (file: Deno.FsFile, size: number) => number;
}

/** Has one writer. Readers that have a file open find the rest of it there. */
export class RotatingFile implements Disposable {
  readonly #options: RotatingFileOptions;
  #file: Deno.FsFile;
  #size: number;
  /** Whether an entry that was begun is still behind `#size`. */
  #isTorn = false;

  /** Goes on with the file that is there. */
  constructor(options: RotatingFileOptions) {
    this.#options = options;
    const { path, wholeBytes } = options;
    this.#file = make(path);
    const { size } = this.#file.statSync();
    this.#size = wholeBytes(this.#file, size);
    if (this.#size < size) this.#file.truncateSync(this.#size);
  }

  get size(): number {
    return this.#size;
  }

  /**
   * All of it, or, if it fails, nothing that can be seen.
   * @throws for instance if the file system is full
   */
  append(bytes: Uint8Array): void {
    if (this.#isTorn) this.#cutOff();
    let rest = bytes;
    try {
      while (rest.length > 0) rest = rest.subarray(this.#file.writeSync(rest));
      this.#size += bytes.length;
    } catch (error) {
      this.#isTorn = true;
      try {
        this.#cutOff();
      } catch {
        // A disk that fails may refuse that, too; the first reason says more.
      }
      throw error;
    }
  }

  /** Takes back what was begun. */
  #cutOff(): void {
    this.#file.truncateSync(this.#size);
    this.#isTorn = false;
  }

  rotate(): void {
    const { path, maxFiles } = this.#options;
    // Never emptied in place: whoever reads it would lose what it had.
    if (maxFiles === 1) ifThere(() => Deno.removeSync(path));
    for (let index = maxFiles - 1; index > 0; index--) {
      const from = index === 1 ? path : `${path}.${index - 1}`;
      ifThere(() => Deno.renameSync(from, `${path}.${index}`));
    }
    const next = open(path);
    this.#file.close();
    this.#file = next;
    this.#size = 0;
    this.#isTorn = false;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** Makes an empty log, if there is none, for those who read it. */
export function makeLogFile(path: string): void {
  make(path).close();
}

function make(path: string): Deno.FsFile {
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), {
    recursive: true,
    mode: DIRECTORY_MODE,
  });
  return open(path);
}

function open(path: string): Deno.FsFile {
  return Deno.openSync(path, {
    read: true,
    append: true,
    create: true,
    mode: FILE_MODE,
  });
}

/** There may not have been so many files yet. */
function ifThere(change: () => void): void {
  try {
    change();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
