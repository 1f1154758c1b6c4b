/**
 * Waiting until descriptors can be read or written: one epoll(7) instance,
 * and one thread of the pool that waits for all of them.
 */

import { SysError } from "./errno.ts";
import { type FileEvent, FileWatches } from "./file_watches.ts";
import { coldSymbols, errno, isAarch64 } from "./libc.ts";

const epollSymbols = coldSymbols({
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  eventfd_write: { parameters: ["i32", "u64"], result: "i32" },
  eventfd_read: { parameters: ["i32", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
});
const waitSymbols = coldSymbols({
  epoll_wait: {
    parameters: ["i32", "buffer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
});

const CLOSE_ON_EXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;
const CTL = { add: 1, delete: 2, modify: 3 } as const;
const EPOLL = {
  in: 0x1,
  pri: 0x2,
  out: 0x4,
  error: 0x8,
  hangup: 0x10,
} as const;
const FOREVER = -1;

/** `struct epoll_event` is packed on x86-64 only. */
const EVENT_BYTES = isAarch64 ? 16 : 12;
const DATA_AT = isAarch64 ? 8 : 4;
const MOST_EVENTS = 64;

/** What is told of the eventfd that ends the waiting. */
const WAKE_ID = 0;

export interface Readiness {
  /** Also true at the end of file: reading says so without waiting. */
  readonly readable: boolean;
  readonly writable: boolean;
  /** The other end has gone, or there is an error. */
  readonly hangup: boolean;
}

export type Interest = "readable" | "writable" | "both";

/** Disposing ends it; its descriptor stays open. */
export interface Watch extends Disposable {
  /** With `none` nothing is told, not even that the other end has gone. */
  update(interest: Interest | "none"): void;
}

export interface Poller extends Disposable {
  /**
   * Calls back again and again while `fd` is ready (level-triggered), never
   * from within this call. Dispose the watch before the descriptor is closed.
   * @throws {SysError} EPERM for files and `/dev/null`, which are always
   * ready; EEXIST if it is watched already
   */
  watch(
    fd: number,
    interest: Interest,
    callback: (ready: Readiness) => void,
  ): Watch;
  /**
   * Calls back again and again when something happens to a file.
   * @throws {SysError} also if there is no such file
   */
  watchFile(path: string, event: FileEvent, callback: () => void): Disposable;
  /** As disposing; settles when no thread waits any more. */
  close(): Promise<void>;
}

/** It keeps the process alive while anything is watched, and only then. */
/** @param inotify an instance that is there already, from then on the poller's */
export function openPoller(inotify?: number): Poller {
  return new EpollPoller(inotify);
}

type Callback = (ready: Readiness) => void;

class EpollPoller implements Poller {
  readonly #epoll: number;
  readonly #wake: number;
  /** By number; a number is never used again, as descriptors are. */
  readonly #watches = new Map<number, Callback>();
  readonly #events = new Uint8Array(EVENT_BYTES * MOST_EVENTS);
  #files: FileWatches | undefined;
  readonly #inotify: number | undefined;
  #lastId = WAKE_ID;
  #waiting: Promise<void> | undefined;
  #isOpen = true;

  constructor(inotify?: number) {
    this.#inotify = inotify;
    const symbols = epollSymbols();
    this.#epoll = symbols.epoll_create1(CLOSE_ON_EXEC);
    if (this.#epoll < 0) throw new SysError("open", errno(), "epoll");
    this.#wake = symbols.eventfd(0, CLOSE_ON_EXEC | EFD_NONBLOCK);
    if (this.#wake < 0) throw new SysError("open", errno(), "eventfd");
    this.#control(CTL.add, this.#wake, EPOLL.in, WAKE_ID);
  }

  watch(fd: number, interest: Interest, callback: Callback): Watch {
    const id = ++this.#lastId;
    let now: Interest | "none" = "none";
    const update = (next: Interest | "none") => {
      if (next === now) return;
      const verb = now === "none"
        ? CTL.add
        : next === "none"
        ? CTL.delete
        : CTL.modify;
      this.#control(verb, fd, next === "none" ? 0 : maskOf(next), id);
      now = next;
      if (next !== "none") this.#watches.set(id, callback);
      else this.#watches.delete(id);
      this.#react();
    };
    update(interest);
    return { update, [Symbol.dispose]: () => this.#isOpen && update("none") };
  }

  watchFile(path: string, event: FileEvent, callback: () => void): Disposable {
    this.#files ??= new FileWatches(this, this.#inotify);
    const watch = this.#files.add(path, event, callback);
    return { [Symbol.dispose]: () => this.#isOpen && watch[Symbol.dispose]() };
  }

  async close(): Promise<void> {
    const waiting = this.#waiting;
    this[Symbol.dispose]();
    await waiting;
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watches.clear();
    this.#files?.close();
    if (this.#waiting === undefined) this.#closeAll();
    else this.#react();
  }

  /** Waits while there is something to wait for. */
  #react(): void {
    if (this.#watches.size === 0) {
      if (this.#waiting !== undefined) {
        epollSymbols().eventfd_write(this.#wake, 1n);
      }
    } else this.#waiting ??= this.#run();
  }

  async #run(): Promise<void> {
    const { epoll_wait: wait } = waitSymbols();
    // What is being set up now may add more.
    await Promise.resolve();
    while (this.#watches.size > 0) {
      // A negative count: a signal. Its number is on the other thread.
      this.#dispatch(
        await wait(this.#epoll, this.#events, MOST_EVENTS, FOREVER),
      );
    }
    this.#waiting = undefined;
    if (!this.#isOpen) this.#closeAll();
  }

  #dispatch(count: number): void {
    const view = new DataView(this.#events.buffer);
    for (let index = 0; index < count; index++) {
      const at = index * EVENT_BYTES;
      const bits = view.getUint32(at, true);
      const id = Number(view.getBigUint64(at + DATA_AT, true));
      if (id === WAKE_ID) this.#drainWake();
      // One that ended a moment ago is not there any more.
      else this.#watches.get(id)?.(readinessOf(bits));
    }
  }

  #drainWake(): void {
    epollSymbols().eventfd_read(this.#wake, new Uint8Array(8));
  }

  #control(verb: number, fd: number, mask: number, id: number): void {
    const event = new Uint8Array(EVENT_BYTES);
    const view = new DataView(event.buffer);
    view.setUint32(0, mask, true);
    view.setBigUint64(DATA_AT, BigInt(id), true);
    if (epollSymbols().epoll_ctl(this.#epoll, verb, fd, event) === 0) return;
    const code = errno();
    // Closed too early, it is forgotten already.
    if (verb === CTL.delete) return;
    throw new SysError("watch", code, `descriptor ${fd}`);
  }

  #closeAll(): void {
    epollSymbols().close(this.#wake);
    epollSymbols().close(this.#epoll);
  }
}

function maskOf(interest: Interest): number {
  return {
    readable: EPOLL.in,
    writable: EPOLL.out,
    both: EPOLL.in | EPOLL.out,
  }[interest];
}

function readinessOf(bits: number): Readiness {
  const hangup = (bits & (EPOLL.hangup | EPOLL.error)) !== 0;
  return {
    readable: (bits & EPOLL.in) !== 0 || hangup,
    writable: (bits & EPOLL.out) !== 0 || hangup,
    hangup,
  };
}
