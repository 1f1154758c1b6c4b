/** From one file of a log to the next, and on with what is being written. */

import type { DecodedEntry } from "../../base/container_log/json_line.ts";
import { Cursor } from "./cursor.ts";
import { DirectoryWatch } from "./directory_watch.ts";
import type { ReadFormat } from "./format.ts";
import { currentInode, type OpenLogFile, openLogFiles } from "./open_files.ts";

export interface LogSource {
  /** Of the current file. */
  readonly path: string;
  readonly maxFiles: number;
  readonly format: ReadFormat;
  /** A file can't be read any further. */
  readonly damaged: () => void;
}

export interface FollowOptions {
  /** So many entries from the end; all of them if undefined. */
  readonly tail: number | undefined;
  readonly follow: "wait" | "stop";
  /** What was written before it fires is still given. */
  readonly ended: AbortSignal | undefined;
  /** Ends it at once. */
  readonly stop: AbortSignal;
}

/** Entries in the order of the files, many at a time. */
export async function* followLog(
  source: LogSource,
  options: FollowOptions,
): AsyncIterable<readonly DecodedEntry[]> {
  const { follow, ended, stop, tail } = options;
  // Before anything is read, so that no change is missed.
  await using watch = follow === "wait"
    ? watchFiles(source, options)
    : undefined;
  using files = new FileQueue(source);
  await files.open();
  if (tail !== undefined) files.skipTo(tail);
  for (;;) {
    // Looked at first: what was written before is there then.
    const isOver = watch === undefined || ended?.aborted === true;
    yield* files.entries();
    while (await files.hasNewer()) yield* files.entries();
    if (isOver || stop.aborted) return;
    await watch.changed();
  }
}

function watchFiles(
  { path }: LogSource,
  { ended, stop }: FollowOptions,
): DirectoryWatch {
  const directory = path.slice(0, path.lastIndexOf("/"));
  return new DirectoryWatch(directory, [stop, ...ended ? [ended] : []]);
}

/** The files still to be read, oldest first; the last one may grow. */
class FileQueue implements Disposable {
  readonly #source: LogSource;
  #cursors: Cursor[] = [];
  /** Of the newest file that has been met. */
  #last: string | undefined;

  constructor(source: LogSource) {
    this.#source = source;
  }

  async open(): Promise<void> {
    const { path, maxFiles } = this.#source;
    const files = await openLogFiles(path, maxFiles);
    // What is older has been read; if the last one is not there any more, all
    // of them are newer.
    const met = files.findIndex(({ inode }) => inode === this.#last);
    for (const old of files.splice(0, met + 1)) old[Symbol.dispose]();
    this.#cursors.push(...files.map((file) => this.#cursor(file, 0)));
    this.#last = files.at(-1)?.inode ?? this.#last;
  }

  /** Passes over all but the last `count` entries. */
  skipTo(count: number): void {
    let wanted = count;
    const kept: Cursor[] = [];
    for (const { open } of this.#cursors.reverse()) {
      const isCurrent = kept.length === 0;
      if (wanted === 0 && !isCurrent) {
        open[Symbol.dispose]();
        continue;
      }
      const size = sizeOf(open.file);
      const tail = this.#source.format.tail(open.file, size, wanted);
      wanted -= tail.found;
      kept.unshift(this.#cursor(open, tail.offset));
    }
    this.#cursors = kept;
  }

  async *entries(): AsyncIterable<readonly DecodedEntry[]> {
    for (;;) {
      const [cursor, following] = this.#cursors;
      if (cursor === undefined) return;
      for (;;) {
        const entries = await cursor.next();
        if (entries === undefined) break;
        yield entries;
      }
      if (following === undefined) return;
      cursor.open[Symbol.dispose]();
      this.#cursors.shift();
    }
  }

  /** Opens the files that have come after the last one. */
  async hasNewer(): Promise<boolean> {
    const current = await currentInode(this.#source.path);
    if (current === undefined || current === this.#last) return false;
    await this.open();
    return true;
  }

  [Symbol.dispose](): void {
    for (const { open } of this.#cursors) open[Symbol.dispose]();
  }

  #cursor(open: OpenLogFile, offset: number): Cursor {
    const { format, damaged } = this.#source;
    return new Cursor(open, format, offset, damaged);
  }
}

function sizeOf(file: Deno.FsFile): number {
  return file.statSync().size;
}
