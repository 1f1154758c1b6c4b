/** Streams of messages, as grpc-js has them, read and written in turn. */

import { Buffer } from "./deps.ts";
import { orAborted } from "./or_aborted.ts";

/** The part of grpc-js's streams that is needed. */
export interface MessageStream {
  readonly readableEnded: boolean;
  read(): unknown;
  write(message: unknown, done: () => void): unknown;
  on(event: "readable" | "end", listener: () => void): unknown;
  off(event: "readable" | "end", listener: () => void): unknown;
}

/** Of one message, each way, as containerd has it. */
export const MOST_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Without a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Without a copy; what `slice()` means differs. */
export function asBytes({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

/** Reads on when the next one is asked for. */
export async function* read(
  stream: MessageStream,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { next, dispose } = nextOf(stream, signal);
  using _listening = { [Symbol.dispose]: dispose };
  for (;;) {
    const message = stream.read() as Uint8Array | null;
    if (message !== null) yield message;
    else if (stream.readableEnded) return;
    else await next();
  }
}

/** Waits for "readable" or "end" without a listener for each message. */
function nextOf(
  stream: MessageStream,
  signal: AbortSignal,
): { readonly next: () => Promise<void>; readonly dispose: () => void } {
  let wake = () => {};
  let fail = (_reason: unknown) => {};
  let isReady = false;
  const ready = () => {
    isReady = true;
    wake();
  };
  const abort = () => fail(signal.reason);
  stream.on("readable", ready);
  stream.on("end", ready);
  signal.addEventListener("abort", abort);
  return {
    async next() {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      [wake, fail] = [resolve, reject];
      if (isReady) resolve();
      await promise;
      isReady = false;
    },
    dispose() {
      stream.off("readable", ready);
      stream.off("end", ready);
      signal.removeEventListener("abort", abort);
    },
  };
}

/** Settles when there is room for more. */
export async function write(
  stream: MessageStream,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.write(bytes, () => resolve());
  await orAborted(promise, signal);
}

/** Bytes of small messages that follow each other without waiting. */
const BURST_BYTES = 64 * 1024;

/** Writes; small messages wait for each other, not each for itself. */
export class Outbox {
  readonly #stream: MessageStream;
  #burst = 0;

  constructor(stream: MessageStream) {
    this.#stream = stream;
  }

  /** @returns what to wait for before the next one; undefined to go on */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> | undefined {
    this.#burst += bytes.length;
    if (this.#burst < BURST_BYTES) {
      this.#stream.write(bytes, () => {});
      return undefined;
    }
    this.#burst = 0;
    return write(this.#stream, bytes, signal);
  }
}
