import type { Context } from "../../base/context.ts";
import type { Digest } from "../../base/digest.ts";
import { dataLoss, hasCode } from "../../base/errors.ts";
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
    const { gate, expected } = this.#deps;
    const { labels = {} } = options;
    checkLabels(labels);
    await using _ended = this;
    const digest = options.digest ?? expected.digest ?? await this.digest();
    const size = options.size || expected.size ||
      (await this.#writer.status()).offset;
    using _pass = await gate.pass(ctx.signal);
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
