/** Copying from one descriptor to another without waiting in any call. */

import { within } from "../../base/within.ts";
import { readSome, writeSome } from "../../sys/descriptors.ts";
import type { Poller, Watch } from "../../sys/poller.ts";
import type { Endpoint } from "./own_streams.ts";

const BUFFER_BYTES = 64 * 1024;
/** Rounds without asking the kernel what is ready: others wait, too. */
const MOST_ROUNDS = 32;
/** A pipe that is ready takes so much without waiting. @see pipe(7) */
const PIPE_BUF = 4096;

/** Who has something to write and room for it does so in this time. */
const QUIET_MS = 100;

/** Why a copy ended. */
export type CopyEnd = "endOfFile" | "broken" | "stopped";

export interface Copy extends Disposable {
  /** Never rejects because of the reader: one that has gone ends it. */
  readonly ended: Promise<CopyEnd>;
  /**
   * Settles when nothing is left to copy: at the end, or when nothing has come
   * for a while, and the reader has taken all of it.
   */
  caughtUp(): Promise<void>;
}

/** Copies until either end has had enough. The descriptors stay open. */
export function startCopy(poller: Poller, from: Endpoint, to: Endpoint): Copy {
  return new PolledCopy(poller, from, to);
}

class PolledCopy implements Copy {
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #done = Promise.withResolvers<CopyEnd>();
  readonly #source: Ready;
  readonly #sink: Ready;
  readonly #from: Endpoint;
  readonly #to: Endpoint;
  #pending = this.#buffer.subarray(0, 0);
  #reads = 0;
  #isDone = false;

  constructor(poller: Poller, from: Endpoint, to: Endpoint) {
    this.#from = from;
    this.#to = to;
    this.#source = new Ready(
      poller,
      from,
      "readable",
      () => this.#step("read"),
    );
    this.#sink = new Ready(poller, to, "writable", () => this.#step("write"));
    this.#source.wait();
  }

  get ended(): Promise<CopyEnd> {
    return this.#done.promise;
  }

  async caughtUp(): Promise<void> {
    for (;;) {
      const before = this.#reads;
      if (await within(QUIET_MS, this.ended)) return;
      if (before === this.#reads && this.#pending.length === 0) return;
    }
  }

  [Symbol.dispose](): void {
    this.#finish("stopped");
  }

  #step(step: "read" | "write"): void {
    if (this.#isDone) return;
    try {
      if (step === "read") this.#readAndWrite();
      else this.#write("ready");
    } catch (error) {
      this.#isDone = true;
      this.#stopWaiting();
      this.#done.reject(error);
    }
  }

  #readAndWrite(): void {
    // One that is shared may be read once, when it is said to be ready.
    const rounds = this.#from.kind === "shared" ? 1 : MOST_ROUNDS;
    for (let round = 0; round < rounds; round++) {
      if (!this.#read()) return;
      this.#write("unknown");
      if (this.#isDone || this.#pending.length > 0) return;
    }
  }

  /** @returns false if there is nothing to write */
  #read(): boolean {
    const count = readSome(this.#from.fd, this.#buffer);
    if (count === "again") return false;
    if (count === 0) {
      this.#finish("endOfFile");
      return false;
    }
    this.#reads++;
    this.#pending = this.#buffer.subarray(0, count);
    return true;
  }

  #write(readiness: "ready" | "unknown"): void {
    const { fd, kind } = this.#to;
    // A call on one that is shared may only be made when it is ready.
    let mayWrite = kind !== "shared" || readiness === "ready";
    while (this.#pending.length > 0 && mayWrite) {
      const part = kind === "shared"
        ? this.#pending.subarray(0, PIPE_BUF)
        : this.#pending;
      const count = writeSome(fd, part);
      if (count === "broken") return this.#finish("broken");
      mayWrite = count !== "again" && kind !== "shared";
      if (count !== "again") this.#pending = this.#pending.subarray(count);
    }
    if (this.#pending.length > 0) {
      this.#source.stop();
      this.#sink.wait();
    } else {
      this.#sink.stop();
      this.#source.wait();
    }
  }

  #finish(end: CopyEnd): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#stopWaiting();
    this.#done.resolve(end);
  }

  #stopWaiting(): void {
    this.#source[Symbol.dispose]();
    this.#sink[Symbol.dispose]();
  }
}

/** Calls back again and again while one end is ready and waited for. */
class Ready implements Disposable {
  readonly #poller: Poller;
  readonly #endpoint: Endpoint;
  readonly #interest: "readable" | "writable";
  readonly #callback: () => void;
  #watch: Watch | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    poller: Poller,
    endpoint: Endpoint,
    interest: "readable" | "writable",
    callback: () => void,
  ) {
    this.#poller = poller;
    this.#endpoint = endpoint;
    this.#interest = interest;
    this.#callback = callback;
  }

  wait(): void {
    const { fd, kind } = this.#endpoint;
    if (kind === "file") this.#timer ??= setTimeout(() => this.#fire());
    else if (this.#watch !== undefined) this.#watch.update(this.#interest);
    else {
      this.#watch = this.#poller.watch(fd, this.#interest, this.#callback);
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#watch?.update("none");
  }

  #fire(): void {
    this.#timer = undefined;
    this.#callback();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
  }
}
