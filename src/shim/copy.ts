/** Copying between descriptors that don't block, with one buffer for all. */

import { readSome, writeSome } from "../sys/descriptors.ts";
import type { Poller, Watch } from "../sys/poller.ts";

const BUFFER_BYTES = 64 * 1024;

/** Why a copy ended. */
export type CopyEnd = "endOfFile" | "broken" | "stopped";

/** More than the largest pipe holds, 1 MiB, if pages of it are half full. */
const MOST_READS = 64;

/** The descriptors stay open; disposing stops it. */
export interface Copy extends Disposable {
  readonly ended: Promise<CopyEnd>;
  /**
   * Settles when what could be read at the time of the call is written, or
   * when the copy ends; not while `to` takes nothing.
   */
  catchUp(): Promise<void>;
}

/** Makes copies; their bytes pass through one buffer, one after the other. */
export class Copier {
  readonly #poller: Poller;
  #buffer: Uint8Array<ArrayBuffer> | undefined;

  constructor(poller: Poller) {
    this.#poller = poller;
  }

  /**
   * Copies until the end of `from`, or until nobody reads `to`. What `to` does
   * not take holds up the reading: no more than one buffer is kept.
   */
  start(from: number, to: number): Copy {
    const buffer = this.#buffer ??= new Uint8Array(BUFFER_BYTES);
    return new PolledCopy(this.#poller, buffer, from, to);
  }
}

class PolledCopy implements Copy {
  readonly ended: Promise<CopyEnd>;
  readonly #poller: Poller;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  readonly #from: number;
  readonly #to: number;
  readonly #end: (end: CopyEnd) => void;
  readonly #source: Watch;
  #sink: Watch | undefined;
  /** Read, and not yet written. */
  #pending: Uint8Array<ArrayBuffer> | undefined;
  #isOver = false;
  /** Settles when `to` takes something again. */
  #room = Promise.withResolvers<void>();

  constructor(
    poller: Poller,
    buffer: Uint8Array<ArrayBuffer>,
    from: number,
    to: number,
  ) {
    const { promise, resolve } = Promise.withResolvers<CopyEnd>();
    this.ended = promise;
    this.#end = resolve;
    this.#poller = poller;
    this.#buffer = buffer;
    this.#from = from;
    this.#to = to;
    this.#source = poller.watch(from, "readable", () => this.#read());
  }

  async catchUp(): Promise<void> {
    for (let reads = 0; reads < MOST_READS; reads++) {
      while (this.#pending !== undefined) await this.#room.promise;
      if (this.#isOver || !this.#read()) return;
    }
  }

  /** @returns false if there was nothing */
  #read(): boolean {
    const count = attempt(() => readSome(this.#from, this.#buffer));
    if (count === "again") return false;
    if (count === 0 || count === "broken") {
      this.#finish("endOfFile");
      return false;
    }
    this.#write(this.#buffer.subarray(0, count));
    return true;
  }

  #write(bytes: Uint8Array<ArrayBuffer>): void {
    let rest = bytes;
    while (rest.length > 0) {
      const count = attempt(() => writeSome(this.#to, rest));
      if (count === "broken") return this.#finish("broken");
      if (count === "again") return this.#holdUp(rest);
      rest = rest.subarray(count);
    }
    if (this.#pending === undefined) return;
    this.#pending = undefined;
    this.#sink?.update("none");
    this.#source.update("readable");
    this.#hasRoom();
  }

  #holdUp(rest: Uint8Array<ArrayBuffer>): void {
    // The buffer is everybody's.
    this.#pending = rest.buffer === this.#buffer.buffer ? rest.slice() : rest;
    this.#source.update("none");
    this.#sink ??= this.#poller.watch(
      this.#to,
      "writable",
      () => this.#pending && this.#write(this.#pending),
    );
    this.#sink.update("writable");
  }

  #finish(end: CopyEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#source[Symbol.dispose]();
    this.#sink?.[Symbol.dispose]();
    this.#pending = undefined;
    this.#end(end);
    this.#hasRoom();
  }

  #hasRoom(): void {
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  }

  [Symbol.dispose](): void {
    this.#finish("stopped");
  }
}

/** A descriptor that fails in any other way ends the copy, too. */
function attempt<T>(transfer: () => T): T | "broken" {
  try {
    return transfer();
  } catch {
    return "broken";
  }
}
