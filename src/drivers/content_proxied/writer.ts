import type { Context } from "../../base/context.ts";
import type { Digest } from "../../base/digest.ts";
import { dataLoss, failedPrecondition, hasCode } from "../../base/errors.ts";
import type { Gate } from "../../base/gate.ts";
import { checkLabels } from "../../base/labels.ts";
import type {
  CommitOptions,
  ContentWriter,
  ExpectedContent,
  IngestStatus,
} from "../../core/content.ts";
import type { ContentRecords } from "../../core/records.ts";

export interface ProxiedWriterDeps {
  readonly records: ContentRecords;
  /** Closed while a blob is removed that nobody has a record of. */
  readonly gate: Gate;
  readonly ref: string;
  readonly expected: ExpectedContent;
  /** Called with what the backend may have now, and has no record. */
  readonly onUnrecorded: (digest: Digest) => void;
  /** Drops the ingest. */
  readonly abort: (ctx: Context) => Promise<void>;
  /** Called when others may write the same ref. */
  readonly onEnd: () => void;
}

/** The backend takes the bytes, verifies them and keeps them; we record it. */
export class ProxiedWriter implements ContentWriter {
  readonly #deps: ProxiedWriterDeps;
  readonly #writer: ContentWriter;
  #state: "open" | "ended" = "open";

  constructor(deps: ProxiedWriterDeps, writer: ContentWriter) {
    this.#deps = deps;
    this.#writer = writer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === "ended") return;
    this.#state = "ended";
    try {
      await this.#writer[Symbol.asyncDispose]();
    } finally {
      this.#deps.onEnd();
    }
  }

  async status(): Promise<IngestStatus> {
    const { ref, expected: { digest } } = this.#deps;
    const status = await this.#writer.status();
    return {
      ...status,
      ref,
      ...digest === undefined ? {} : { expected: digest },
    };
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#writer.write(chunk);
  }

  digest(): Promise<Digest> {
    return this.#writer.digest();
  }

  truncate(size: number): Promise<void> {
    return this.#writer.truncate(size);
  }

  async commit(ctx: Context, options: CommitOptions = {}): Promise<Digest> {
    const { labels = {} } = options;
    checkLabels(labels);
    await using _ended = this;
    const { digest, size } = await this.#verified(ctx, options);
    using _pass = await this.#deps.gate.pass(ctx.signal);
    try {
      await this.#keep(ctx, digest, size);
      const { records, ref } = this.#deps;
      records.create(ctx, { digest, size, labels, ref }, () => {});
    } catch (error) {
      this.#deps.onUnrecorded(digest);
      throw error;
    }
    return digest;
  }

  /**
   * What was written. Not left to the backend alone, which may answer that it
   * has what was expected, whatever it got.
   */
  async #verified(
    ctx: Context,
    options: CommitOptions,
  ): Promise<{ readonly digest: Digest; readonly size: number }> {
    const { expected, ref } = this.#deps;
    const { offset: size } = await this.#writer.status();
    const digest = await this.digest();
    const wantedSize = options.size || expected.size || size;
    const wanted = options.digest ?? expected.digest ?? digest;
    if (size === wantedSize && digest === wanted) return { digest, size };
    await this[Symbol.asyncDispose]();
    await this.#deps.abort(ctx);
    throw failedPrecondition(
      `Cannot commit ref "${ref}": it has ${size} bytes of "${digest}" ` +
        `instead of ${wantedSize} bytes of "${wanted}"`,
    );
  }

  async #keep(ctx: Context, digest: Digest, size: number): Promise<void> {
    try {
      const kept = await this.#writer.commit(ctx, { digest, size });
      if (kept === digest) return;
      throw dataLoss(
        `Cannot commit ref "${this.#deps.ref}": "${kept}" was kept instead ` +
          `of "${digest}"`,
      );
    } catch (error) {
      // What it has already needs only a record.
      if (!hasCode(error, "alreadyExists")) throw error;
    }
  }
}
