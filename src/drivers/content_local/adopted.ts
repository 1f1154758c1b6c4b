// deno-lint-ignore-file require-await -- remote stores have this interface too

import type { Context } from "../../base/context.ts";
import type { Digest } from "../../base/digest.ts";
import {
  EngineError,
  failedPrecondition,
  notFound,
} from "../../base/errors.ts";
import type {
  CommitOptions,
  ContentWriter,
  ExpectedContent,
  IngestFile,
  IngestStatus,
} from "../../core/content.ts";
import type { Labels } from "../../core/labels.ts";
import type { ContentInventory, ContentRecords } from "../../core/records.ts";
import { type Layout, statOrNone } from "./layout.ts";
import { quarantineBlob } from "./place.ts";

interface AdoptionDeps {
  readonly layout: Layout;
  readonly records: ContentRecords & ContentInventory;
  readonly ref: string;
  readonly expected: Required<ExpectedContent>;
  readonly now: () => Date;
}

/**
 * An ingest of bytes that another namespace has: it is complete from the
 * start, and committing it makes them visible in this namespace too.
 */
export class AdoptedWriter implements ContentWriter {
  readonly #deps: AdoptionDeps;
  readonly #startedAt: Date;
  #offset: number;

  constructor(deps: AdoptionDeps) {
    this.#deps = deps;
    this.#startedAt = deps.now();
    this.#offset = deps.expected.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async status(): Promise<IngestStatus> {
    const { ref, expected } = this.#deps;
    return {
      ref,
      offset: this.#offset,
      total: expected.size,
      expected: expected.digest,
      startedAt: this.#startedAt,
      updatedAt: this.#startedAt,
    };
  }

  /** Counts only: the same bytes are there, and they were verified. */
  async write(chunk: Uint8Array): Promise<void> {
    const { ref, expected } = this.#deps;
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
    return this.#deps.expected.digest;
  }

  async truncate(size: number): Promise<void> {
    this.#offset = Math.min(this.#offset, size);
  }

  async commit(ctx: Context, options: CommitOptions = {}): Promise<Digest> {
    const { ref, expected } = this.#deps;
    const size = options.size || expected.size;
    const digest = options.digest ?? expected.digest;
    const isSame = size === expected.size && digest === expected.digest &&
      this.#offset === expected.size;
    if (!isSame) {
      throw failedPrecondition(
        `Cannot commit ref "${ref}": it has ${this.#offset} bytes of ` +
          `"${expected.digest}" instead of ${size} bytes of "${digest}"`,
      );
    }
    adopt(ctx, this.#deps, options.labels);
    return digest;
  }
}

/** As `AdoptedWriter`, for a writer elsewhere, who finds nothing to append. */
export class AdoptedFile implements IngestFile {
  readonly path: string;
  readonly offset: number;
  readonly #deps: AdoptionDeps;

  constructor(deps: AdoptionDeps) {
    this.#deps = deps;
    this.path = deps.layout.blob(deps.expected.digest);
    this.offset = deps.expected.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async commitVerified(
    ctx: Context,
    verified: { readonly digest: Digest; readonly size: number },
    labels?: Labels,
  ): Promise<void> {
    const { expected, ref } = this.#deps;
    if (verified.digest !== expected.digest) {
      throw failedPrecondition(
        `Cannot commit ref "${ref}": its digest is "${verified.digest}" ` +
          `instead of "${expected.digest}"`,
      );
    }
    adopt(ctx, this.#deps, labels);
  }

  /** The bytes proved to be wrong: no namespace shall use them any more. */
  async discard(): Promise<void> {
    const { layout, records, expected } = this.#deps;
    quarantineBlob(layout, expected.digest);
    records.forget(expected.digest);
  }
}

function adopt(
  ctx: Context,
  { layout, records, expected }: AdoptionDeps,
  labels: Labels = {},
): void {
  const { digest, size } = expected;
  records.create(ctx, { digest, size, labels }, () => {
    // It may have been collected since: then the caller must begin again.
    if (statOrNone(layout.blob(digest)) === undefined) {
      throw notFound("content", digest);
    }
  });
}
