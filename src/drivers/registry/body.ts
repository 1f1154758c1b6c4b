/** Response bodies: small ones whole, large ones as streams that resume. */

import { dataLoss, EngineError } from "../../base/errors.ts";
import type { Clock, Timing } from "./deps.ts";
import type { Responded } from "./http.ts";

/** Reads a whole body. Throws if it is too large or takes too long. */
export async function readSmall(
  { response, abort }: Responded,
  maxBytes: number,
  timeoutMs: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (response.body === null) return new Uint8Array();
  const timer = setTimeout(
    () => abort(new Error(`the body takes longer than ${timeoutMs} ms`)),
    timeoutMs,
  );
  const reader = response.body.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return join(chunks, size);
      chunks.push(value);
      size += value.length;
      if (size > maxBytes) break;
    }
  } finally {
    clearTimeout(timer);
  }
  await reader.cancel();
  throw new EngineError(
    "resourceExhausted",
    `Cannot read a body of more than ${maxBytes} bytes`,
  );
}

function join(
  chunks: readonly Uint8Array<ArrayBuffer>[],
  size: number,
): Uint8Array<ArrayBuffer> {
  if (chunks.length === 1 && chunks[0] !== undefined) return chunks[0];
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** A body that starts at the offset that was asked for. */
export interface OpenBody {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly abort: (reason: unknown) => void;
}

export interface ResumeOptions {
  /** For messages: a digest. */
  readonly what: string;
  /** Of the whole, bytes. */
  readonly size: number;
  /** Where reading starts, bytes. */
  readonly offset: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly timing: Timing;
  /** Opens the rest of the body; called again when a connection breaks. */
  open(offset: number): Promise<OpenBody>;
  onResume?(offset: number, reason: unknown): void;
}

/** Handed out in one piece at most; as large as reading gains by it. */
const CHUNK = 256 * 1024;
/** A connection that breaks after less than this is counted as a failure. */
const PROGRESS = 1024 * 1024;

/**
 * A byte stream over a body and its continuations. A BYOB reader's buffer is
 * passed on to the body itself, so nothing is copied here.
 */
export function resumingStream(
  first: OpenBody,
  options: ResumeOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const source = new ResumingSource(first, options);
  return new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: CHUNK,
    async pull(controller) {
      const request = controller.byobRequest;
      if (!request?.view) return;
      const view = await source.read(request.view as Uint8Array<ArrayBuffer>);
      if (view.byteLength === 0) controller.close();
      request.respondWithNewView(view);
    },
    cancel: (reason) => source.cancel(reason),
  });
}

class ResumingSource {
  readonly #options: ResumeOptions;
  #body: OpenBody;
  #reader: ReadableStreamBYOBReader;
  #watch: StallWatch;
  #offset: number;
  #failures = 0;
  #failedAt: number;

  constructor(first: OpenBody, options: ResumeOptions) {
    this.#options = options;
    this.#body = first;
    this.#reader = first.stream.getReader({ mode: "byob" });
    this.#watch = new StallWatch(first, options);
    this.#offset = this.#failedAt = options.offset;
  }

  /** Fills the view, whose buffer it takes; an empty one at the end. */
  async read(
    view: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { byteOffset, byteLength } = view;
    const bufferSize = view.buffer.byteLength;
    let target = view;
    for (;;) {
      try {
        this.#watch.begin();
        const { done, value } = await this.#reader.read(target);
        this.#watch.end(value?.length ?? 0);
        return this.#accept(done, value);
      } catch (error) {
        this.#watch.stop();
        // The old buffer went down with the connection.
        const buffer = new ArrayBuffer(bufferSize);
        if (this.#isComplete(error)) {
          return new Uint8Array(buffer, byteOffset, 0);
        }
        await this.#resume(error);
        target = new Uint8Array(buffer, byteOffset, byteLength);
      }
    }
  }

  #accept(
    done: boolean,
    value: Uint8Array<ArrayBuffer> | undefined,
  ): Uint8Array<ArrayBuffer> {
    const { what, size } = this.#options;
    if (value === undefined) throw new Error("the body was cancelled");
    if (done) {
      if (this.#offset < size) {
        throw new Error(`the body ended ${size - this.#offset} bytes early`);
      }
      this.#watch.stop();
      return value;
    }
    this.#offset += value.length;
    if (this.#offset <= size) return value;
    this.#body.abort(new Error("more bytes than there should be"));
    throw dataLoss(
      `Cannot use "${what}": the registry sent more than its ${size} bytes`,
    );
  }

  /** All has arrived, and only the end of the body has not. */
  #isComplete(error: unknown): boolean {
    return this.#offset === this.#options.size &&
      !(error instanceof EngineError);
  }

  async #resume(reason: unknown): Promise<void> {
    const { signal, timing, clock, what } = this.#options;
    signal.throwIfAborted();
    if (reason instanceof EngineError) throw reason;
    if (this.#offset - this.#failedAt >= PROGRESS) this.#failures = 0;
    this.#failedAt = this.#offset;
    this.#failures++;
    if (this.#failures >= timing.attempts) {
      const said = reason instanceof Error ? reason.message : String(reason);
      throw new EngineError(
        "unavailable",
        `Cannot download "${what}": the connection broke ${this.#failures} ` +
          `times, last at byte ${this.#offset}: ${said}`,
        { cause: reason, hint: "What has arrived is kept: try again" },
      );
    }
    this.#options.onResume?.(this.#offset, reason);
    await clock.sleep(timing.backoffMs * 2 ** (this.#failures - 1), signal);
    this.#body = await this.#options.open(this.#offset);
    this.#reader = this.#body.stream.getReader({ mode: "byob" });
    this.#watch = new StallWatch(this.#body, this.#options);
  }

  async cancel(reason: unknown): Promise<void> {
    this.#watch.stop();
    await this.#reader.cancel(reason).catch(() => {});
    this.#body.abort(reason);
  }
}

/**
 * Breaks a body off that brings too little while it is waited for; time that
 * its reader takes between two reads doesn't count. One timer runs for many
 * reads: setting one for each costs a tenth of the speed.
 */
class StallWatch {
  readonly #body: OpenBody;
  readonly #clock: Clock;
  readonly #timing: Timing;
  /** Waiting time that is left for the window, and what it still must bring. */
  #budgetMs: number;
  #missingBytes: number;
  /** When the read under way began. */
  #since: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(body: OpenBody, { clock, timing }: ResumeOptions) {
    this.#body = body;
    this.#clock = clock;
    this.#timing = timing;
    this.#budgetMs = timing.stallMs;
    this.#missingBytes = timing.windowBytes;
  }

  begin(): void {
    this.#since = this.#clock.now();
    this.#timer ??= setTimeout(() => this.#check(), this.#budgetMs);
  }

  end(bytes: number): void {
    this.#missingBytes -= bytes;
    if (this.#missingBytes <= 0) {
      this.#budgetMs = this.#timing.stallMs;
      this.#missingBytes = this.#timing.windowBytes;
    } else {
      this.#budgetMs -= this.#clock.now() - (this.#since ?? 0);
    }
    this.#since = undefined;
  }

  #check(): void {
    this.#timer = undefined;
    // Nobody waits: the next read sets the timer again.
    if (this.#since === undefined) return;
    const left = this.#budgetMs - (this.#clock.now() - this.#since);
    if (left > 0) {
      this.#timer = setTimeout(() => this.#check(), left);
      return;
    }
    const { windowBytes, stallMs } = this.#timing;
    this.#body.abort(
      new Error(`less than ${windowBytes} bytes in ${stallMs} ms`),
    );
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#since = undefined;
  }
}

/** Drops the first `count` bytes, for a server that ignores `Range`. */
export async function skipBytes(
  body: OpenBody,
  count: number,
  timeoutMs: number,
): Promise<OpenBody> {
  const reader = body.stream.getReader({ mode: "byob" });
  let left = count;
  let view = new Uint8Array(Math.min(CHUNK, count));
  while (left > 0) {
    const timer = setTimeout(
      () => body.abort(new Error(`no byte within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const { done, value } = await reader.read(
      view.subarray(0, Math.min(view.length, left)),
    ).finally(() => clearTimeout(timer));
    if (done) throw new Error(`the body ended ${left} bytes early`);
    left -= value.length;
    view = new Uint8Array(value.buffer);
  }
  reader.releaseLock();
  return body;
}
