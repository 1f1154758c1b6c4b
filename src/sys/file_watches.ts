/** Noticing what becomes of files. @see inotify(7) */

import { closeFd, readSome } from "./descriptors.ts";
import { SysError } from "./errno.ts";
import { coldSymbols, cstr, errno } from "./libc.ts";
import type { Poller, Watch } from "./poller.ts";

const inotifySymbols = coldSymbols({
  inotify_init1: { parameters: ["i32"], result: "i32" },
  inotify_add_watch: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  inotify_rm_watch: { parameters: ["i32", "i32"], result: "i32" },
});

const IN_NONBLOCK = 0o4000;
const IN_CLOEXEC = 0o2000000;
/** Another watch of the same file goes on, with what is added. */
const IN_MASK_ADD = 0x2000_0000;
const MASKS = { modified: 0x2, deleted: 0x400 } as const;

/** Without the name, which only watched directories have. */
const EVENT_BYTES = 16;
const BUFFER_BYTES = 4096;

/**
 * `modified`: somebody, or the kernel, has changed it. `deleted`: nobody has it
 * open any more, either; not for directories, because what lies below and is in
 * use keeps the kernel from telling.
 */
export type FileEvent = keyof typeof MASKS;

interface Listener {
  readonly mask: number;
  readonly callback: () => void;
}

/**
 * What is readable when the file has been deleted and nobody has it open, for a
 * process that is to be told without being asked. It closes on exec.
 * @throws {SysError} EMFILE: a user has only so many
 */
export function openRemovalWatch(path: string): number {
  const fd = openInotify();
  const { inotify_add_watch: addWatch } = inotifySymbols();
  if (addWatch(fd, cstr(path), MASKS.deleted) >= 0) return fd;
  const code = errno();
  closeFd(fd);
  throw new SysError("watch", code, path);
}

function openInotify(): number {
  const fd = inotifySymbols().inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) throw new SysError("open", errno(), "inotify");
  return fd;
}

/**
 * All of them by one instance: a user has only 128, and to close one takes the
 * kernel 10 ms.
 */
export class FileWatches {
  readonly #fd: number;
  readonly #ready: Watch;
  /** By the kernel's number: a file that is watched twice has one. */
  readonly #listeners = new Map<number, Set<Listener>>();

  /**
   * @param fd an instance that is there already
   * @throws {SysError} EMFILE
   */
  constructor(poller: Poller, fd: number = openInotify()) {
    this.#fd = fd;
    this.#ready = poller.watch(this.#fd, "readable", () => this.#read());
    this.#ready.update("none");
  }

  /** @throws {SysError} */
  add(path: string, event: FileEvent, callback: () => void): Disposable {
    const mask = MASKS[event];
    const { inotify_add_watch: addWatch } = inotifySymbols();
    const number = addWatch(this.#fd, cstr(path), mask | IN_MASK_ADD);
    if (number < 0) throw new SysError("watch", errno(), path);
    const listener = { mask, callback };
    const known = this.#listeners.get(number);
    if (known === undefined) this.#listeners.set(number, new Set([listener]));
    else known.add(listener);
    this.#ready.update("readable");
    return { [Symbol.dispose]: () => this.#remove(number, listener) };
  }

  close(): void {
    this.#listeners.clear();
    closeFd(this.#fd);
  }

  #remove(number: number, listener: Listener): void {
    const listeners = this.#listeners.get(number);
    if (!listeners?.delete(listener) || listeners.size > 0) return;
    this.#listeners.delete(number);
    // Of a file that was deleted, the kernel has removed it.
    inotifySymbols().inotify_rm_watch(this.#fd, number);
    if (this.#listeners.size === 0) this.#ready.update("none");
  }

  #read(): void {
    const buffer = new Uint8Array(BUFFER_BYTES);
    const count = readSome(this.#fd, buffer);
    if (count === "again") return;
    const view = new DataView(buffer.buffer);
    for (let at = 0; at < count;) {
      this.#tell(view.getInt32(at, true), view.getUint32(at + 4, true));
      at += EVENT_BYTES + view.getUint32(at + 12, true);
    }
  }

  #tell(number: number, mask: number): void {
    for (const listener of [...this.#listeners.get(number) ?? []]) {
      if ((listener.mask & mask) !== 0) listener.callback();
    }
  }
}
