// deno-lint-ignore-file require-await -- remote stores have this interface too

import type { Context } from "../../base/context.ts";
import { type Digest, digestAlgorithm } from "../../base/digest.ts";
import {
  EngineError,
  failedPrecondition,
  isDiskFull,
  notFound,
} from "../../base/errors.ts";
import { Hasher } from "../../base/hash.ts";
import type {
  CommitOptions,
  ContentWriter,
  ExpectedContent,
  IngestStatus,
} from "../../core/content.ts";
import type { ContentRecords } from "../../core/records.ts";
import { type HeldIngest, readIngest } from "./ingest.ts";
import { FILE_MODE, type Layout, syncDirectory } from "./layout.ts";
import { placeBlob } from "./place.ts";

interface WriterDeps {
  readonly layout: Layout;
  readonly records: ContentRecords;
  readonly ref: string;
  readonly expected: ExpectedContent | undefined;
}

/** Given back on a full disk, for the database. */
const ROOM_BYTES = 1024 * 1024;

/** Writes an ingest's file and hashes as it goes. */
export class LocalContentWriter implements ContentWriter {
  readonly #deps: WriterDeps;
  readonly #ingest: HeldIngest;
  readonly #file: Deno.FsFile;
  #hasher: Hasher | undefined;
  #isOpen = true;

  private constructor(
    deps: WriterDeps,
    ingest: HeldIngest,
    file: Deno.FsFile,
  ) {
    this.#deps = deps;
    this.#ingest = ingest;
    this.#file = file;
  }

  /** Takes over the ingest: disposing the writer releases it. */
  static async open(
    deps: WriterDeps,
    ingest: HeldIngest,
  ): Promise<LocalContentWriter> {
    const file = await Deno.open(ingest.dataPath, {
      read: true,
      append: true,
      create: true,
      mode: FILE_MODE,
    });
    return new LocalContentWriter(deps, ingest, file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#file.close();
    this.#ingest[Symbol.dispose]();
  }

  async status(): Promise<IngestStatus> {
    this.#checkOpen();
    const ingest = readIngest(this.#ingest.directory);
    if (ingest === undefined) throw notFound("ingest", this.#deps.ref);
    return ingest.status;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#checkOpen();
    const hasher = await this.#hashSoFar();
    const before = hasher.size;
    try {
      const written = this.#file.write(chunk);
      // Meanwhile, in this thread.
      await hasher.update(chunk);
      for (let at = await written; at < chunk.length;) {
        at += await this.#file.write(chunk.subarray(at));
      }
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      await this.#giveBack(before);
      throw diskFull(this.#ingest.dataPath, error);
    }
  }

  /**
   * Leaves the database room to write down what is removed: on a disk that is
   * full to the last byte nothing could be.
   */
  async #giveBack(size: number): Promise<void> {
    this.#hasher = undefined;
    await this.#file.truncate(Math.max(0, size - ROOM_BYTES));
  }

  async digest(): Promise<Digest> {
    this.#checkOpen();
    return await (await this.#hashSoFar()).digest();
  }

  async truncate(size: number): Promise<void> {
    this.#checkOpen();
    await this.#file.truncate(size);
    // What is left is hashed again when it is needed.
    this.#hasher = undefined;
  }

  async commit(ctx: Context, options: CommitOptions = {}): Promise<Digest> {
    this.#checkOpen();
    await using _ended = this;
    const { layout, records, ref } = this.#deps;
    try {
      const hasher = await this.#hashSoFar();
      const digest = await hasher.digest();
      this.#verify(digest, hasher.size, options);
      await this.#file.syncData();
      const { labels = {} } = options;
      const content = { digest, size: hasher.size, labels, ref };
      records.create(ctx, content, () => {
        placeBlob(layout, this.#ingest, digest);
      });
      await syncDirectory(layout.blobDirectory(digest));
      return digest;
    } finally {
      this.#ingest.remove();
    }
  }

  /** The hash of all bytes so far; a resumed part is read again once. */
  async #hashSoFar(): Promise<Hasher> {
    if (this.#hasher !== undefined) return this.#hasher;
    const { expected } = this.#deps;
    const hasher = new Hasher(
      expected?.digest && digestAlgorithm(expected.digest),
    );
    await this.#file.seek(0, Deno.SeekMode.Start);
    const buffer = new Uint8Array(256 * 1024);
    for (;;) {
      const length = await this.#file.read(buffer);
      if (length === null) break;
      await hasher.update(buffer.subarray(0, length));
    }
    return this.#hasher = hasher;
  }

  #verify(digest: Digest, size: number, options: CommitOptions): void {
    const { ref, expected } = this.#deps;
    const wantedSize = options.size || expected?.size;
    if (wantedSize !== undefined && size !== wantedSize) {
      throw failedPrecondition(
        `Cannot commit ref "${ref}": it has ${size} bytes instead of ` +
          `${wantedSize}`,
      );
    }
    const wantedDigest = options.digest ?? expected?.digest;
    if (wantedDigest !== undefined && digest !== wantedDigest) {
      throw failedPrecondition(
        `Cannot commit ref "${ref}": its digest is "${digest}" instead of ` +
          `"${wantedDigest}"`,
      );
    }
  }

  #checkOpen(): void {
    if (this.#isOpen) return;
    throw new EngineError(
      "failedPrecondition",
      `Cannot use the writer of ref "${this.#deps.ref}": it is closed`,
    );
  }
}

function diskFull(path: string, cause: unknown): EngineError {
  return new EngineError(
    "resourceExhausted",
    `Cannot write "${path}": the disk is full`,
    {
      hint: "Free some space, for instance with `coracle system prune --all`",
      cause,
    },
  );
}
