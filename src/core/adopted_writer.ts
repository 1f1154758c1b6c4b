// deno-lint-ignore-file require-await -- writers of bytes have this interface

import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import { EngineError, failedPrecondition } from "../base/errors.ts";
import type {
  CommitOptions,
  ContentWriter,
  ExpectedContent,
  IngestStatus,
} from "./content.ts";
import type { Labels } from "./labels.ts";

export interface AdoptedWriterOptions {
  readonly ref: string;
  /** What another namespace has. */
  readonly expected: Required<ExpectedContent>;
  readonly startedAt: Date;
  /**
   * Makes it visible in the context's namespace.
   * @throws {EngineError} `notFound` if it has been collected meanwhile
   */
  readonly adopt: (ctx: Context, labels: Labels) => Promise<void>;
}

/**
 * An ingest of bytes that another namespace has: it is complete from the
 * start, and committing it makes them visible in this namespace too.
 */
export class AdoptedWriter implements ContentWriter {
  readonly #options: AdoptedWriterOptions;
  #offset: number;

  constructor(options: AdoptedWriterOptions) {
    this.#options = options;
    this.#offset = options.expected.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async status(): Promise<IngestStatus> {
    const { ref, expected, startedAt } = this.#options;
    return {
      ref,
      offset: this.#offset,
      total: expected.size,
      expected: expected.digest,
      startedAt,
      updatedAt: startedAt,
    };
  }

  /** Counts only: the same bytes are there, and they were verified. */
  async write(chunk: Uint8Array): Promise<void> {
    const { ref, expected } = this.#options;
    if (this.#offset + chunk.length > expected.size) {
      throw new EngineError(
        "outOfRange",
        `Cannot write to ref "${ref}" beyond its ${expected.size} bytes`,
      );
    }
    this.#offset += chunk.length;
  }

  /** Of the whole: nothing else can be committed. */
  async digest(): Promise<Digest> {
    return this.#options.expected.digest;
  }

  async truncate(size: number): Promise<void> {
    this.#offset = Math.min(this.#offset, size);
  }

  async commit(
    ctx: Context,
    { size: asked, digest: wanted, labels = {} }: CommitOptions = {},
  ): Promise<Digest> {
    const { ref, expected, adopt } = this.#options;
    const size = asked || expected.size;
    const digest = wanted ?? expected.digest;
    const isSame = size === expected.size && digest === expected.digest &&
      this.#offset === expected.size;
    if (!isSame) {
      throw failedPrecondition(
        `Cannot commit ref "${ref}": it has ${this.#offset} bytes of ` +
          `"${expected.digest}" instead of ${size} bytes of "${digest}"`,
      );
    }
    await adopt(ctx, labels);
    return digest;
  }
}
