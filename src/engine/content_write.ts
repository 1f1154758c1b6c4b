/**
 * Writing content step by step, as a client asks for it: where it is, some
 * bytes, the end.
 * @see containerd, `containerd.services.content.v1.Content.Write`
 */

import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import {
  EngineError,
  failedPrecondition,
  hasCode,
  invalidArgument,
} from "../base/errors.ts";
import type {
  ContentStore,
  ContentWriter,
  IngestStatus,
} from "../core/content.ts";
import type { Labels } from "../core/labels.ts";

export type WriteKind = "status" | "write" | "commit";

export interface WriteStep {
  readonly kind: WriteKind;
  /** Of the ingest; needed in the first step. */
  readonly ref: string;
  /** Bytes of the whole; 0 if that is not known. */
  readonly total: number;
  readonly expected: Digest | undefined;
  /** Where `data` belongs: at the end, or at 0 to begin anew. */
  readonly offset: number;
  readonly data: Uint8Array;
  /** Of what is committed. */
  readonly labels: Labels;
}

export interface WriteProgress {
  readonly kind: WriteKind;
  /** Bytes so far. */
  readonly offset: number;
  /** Of the bytes so far. */
  readonly digest: Digest;
  /** Asked for by `status`. */
  readonly status?: IngestStatus;
}

/**
 * Answers each step, up to the commit. If the steps end before, or one fails,
 * what was written can be resumed.
 * @throws {EngineError} `invalidArgument` if the first step names no ref;
 * `alreadyExists` if the expected content is there, and then the ingest is not;
 * `unavailable` if somebody else writes it; `outOfRange` for a wrong offset;
 * `failedPrecondition` if size or digest are not what was expected
 */
export async function* writeContent(
  ctx: Context,
  content: ContentStore,
  steps: AsyncIterable<WriteStep>,
): AsyncGenerator<WriteProgress> {
  let session: WriteSession | undefined;
  try {
    for await (const step of steps) {
      session ??= await WriteSession.open(ctx, content, step);
      yield await session.take(ctx, step);
      if (step.kind === "commit") return;
    }
    if (session === undefined) throw withoutRef();
  } finally {
    await session?.[Symbol.asyncDispose]();
  }
}

class WriteSession implements AsyncDisposable {
  readonly #content: ContentStore;
  readonly #writer: ContentWriter;
  readonly #ref: string;
  #status: IngestStatus;
  #total: number;
  #expected: Digest | undefined;

  private constructor(
    content: ContentStore,
    writer: ContentWriter,
    step: WriteStep,
    status: IngestStatus,
  ) {
    this.#content = content;
    this.#writer = writer;
    this.#ref = step.ref;
    this.#total = step.total;
    this.#expected = step.expected;
    this.#status = status;
  }

  static async open(
    ctx: Context,
    content: ContentStore,
    step: WriteStep,
  ): Promise<WriteSession> {
    const { ref, expected, total } = step;
    if (ref === "") throw withoutRef();
    const writer = await content.writer(ctx, ref, {
      ...expected === undefined ? {} : { digest: expected },
      ...total === 0 ? {} : { size: total },
    });
    return new WriteSession(content, writer, step, await writer.status());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer[Symbol.asyncDispose]();
  }

  async take(ctx: Context, step: WriteStep): Promise<WriteProgress> {
    await this.#expect(ctx, step);
    const { kind } = step;
    if (kind === "status") {
      const status = { ...this.#status, total: this.#total };
      return { ...await this.#progress(kind), status };
    }
    await this.#write(step);
    if (kind === "write") return await this.#progress(kind);
    const offset = this.#status.offset;
    return { kind, offset, digest: await this.#commit(ctx, step.labels) };
  }

  async #expect(ctx: Context, { total, expected }: WriteStep): Promise<void> {
    if (total > 0) this.#total = total;
    if (expected === undefined || expected === this.#expected) return;
    this.#expected = expected;
    try {
      await this.#content.info(ctx, expected);
    } catch (error) {
      if (hasCode(error, "notFound")) return;
      throw error;
    }
    await this.#content.abort(ctx, this.#ref);
    throw new EngineError(
      "alreadyExists",
      `Cannot write ref "${this.#ref}": content "${expected}" exists`,
    );
  }

  async #write({ offset, data }: WriteStep): Promise<void> {
    const at = this.#status.offset;
    if (offset !== 0 && offset !== at) {
      throw new EngineError(
        "outOfRange",
        `Cannot write ref "${this.#ref}" at ${offset}: it has ${at} bytes`,
      );
    }
    if (offset === 0 && at > 0) {
      await this.#writer.truncate(0);
      this.#status = { ...this.#status, offset: 0 };
    }
    if (data.length === 0) return;
    await this.#writer.write(data);
    this.#status = { ...this.#status, offset: offset + data.length };
  }

  /** Checked here already, because a wrong one can be put right. */
  async #commit(ctx: Context, labels: Labels): Promise<Digest> {
    const { offset } = this.#status;
    if (this.#total > 0 && offset !== this.#total) {
      throw failedPrecondition(
        `Cannot commit ref "${this.#ref}": it has ${offset} bytes instead ` +
          `of ${this.#total}`,
      );
    }
    const digest = await this.#writer.digest();
    if (this.#expected !== undefined && digest !== this.#expected) {
      throw failedPrecondition(
        `Cannot commit ref "${this.#ref}": its digest is "${digest}" instead ` +
          `of "${this.#expected}"`,
      );
    }
    return await this.#writer.commit(ctx, { size: offset, digest, labels });
  }

  async #progress(kind: WriteKind): Promise<WriteProgress> {
    const { offset } = this.#status;
    return { kind, offset, digest: await this.#writer.digest() };
  }
}

function withoutRef(): EngineError {
  return invalidArgument("Cannot write content without a ref", {
    hint: "The first message has to name one",
  });
}
