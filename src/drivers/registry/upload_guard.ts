/** Watches over the body of an upload, which may take hours or never end. */

import type { Timing } from "./deps.ts";
import { bounded, type Refusal } from "./failure.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A source may give megabytes at once; progress is seen piece by piece. */
const PIECE = 256 * 1024;

/**
 * Ends an upload when the registry takes no more bytes for too long, or has
 * all of them and does not answer.
 */
export class UploadGuard implements Disposable {
  readonly signal: AbortSignal;
  readonly #stalled = new AbortController();
  readonly #outer: AbortSignal;
  readonly #timing: Timing;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(timing: Timing, outer: AbortSignal) {
    this.#timing = timing;
    this.#outer = outer;
    this.signal = AbortSignal.any([outer, this.#stalled.signal]);
    this.#expect("it to take bytes", timing.uploadTimeoutMs);
  }

  watch(
    stream: ReadableStream<Bytes>,
    onSent: (bytes: number) => void,
  ): ReadableStream<Bytes> {
    const reader = stream.getReader();
    let rest: Bytes = new Uint8Array();
    let sent = 0;
    return new ReadableStream({
      pull: async (controller) => {
        // Being asked for more means that the last piece was taken.
        clearTimeout(this.#timer);
        onSent(sent);
        let ended = false;
        while (rest.length === 0 && !ended) {
          const { done, value } = await reader.read();
          ended = done;
          rest = value ?? rest;
        }
        if (ended) {
          this.#expect("its answer", this.#timing.uploadTimeoutMs);
          return controller.close();
        }
        this.#expect("it to take more bytes", this.#timing.stallMs);
        const piece = rest.subarray(0, PIECE);
        rest = rest.subarray(PIECE);
        sent += piece.length;
        controller.enqueue(piece);
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
  }

  #expect(what: string, ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isOver) return;
    this.#timer = setTimeout(() => {
      this.#stalled.abort(new Error(`waited ${ms} ms for ${what}`));
    }, ms);
  }

  /** Our own ending is the registry's fault, not a cancellation. */
  explain(error: unknown): { kind: "refused"; refusal: Refusal } {
    if (this.#outer.aborted || !this.#stalled.signal.aborted) throw error;
    const { reason } = this.#stalled.signal;
    const said = bounded(String(reason.message));
    return {
      kind: "refused",
      refusal: { code: "unavailable", said, retry: "backoff" },
    };
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}
