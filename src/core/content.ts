/**
 * Content: immutable bytes under their digest.
 *
 * An *ingest* is content being written; it has a *ref* chosen by the writer
 * (`layer-sha256:…`), survives the process that wrote it, and becomes content
 * by `commit`. Bytes are shared by all namespaces, records are not: content is
 * visible in a namespace once it was written, or adopted, there.
 */

import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import type { Descriptor } from "../oci/image_spec.ts";
import type { Labels } from "./labels.ts";

export interface ContentInfo {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly labels: Labels;
}

export interface IngestStatus {
  readonly ref: string;
  /** Bytes written so far. */
  readonly offset: number;
  /** Bytes expected; 0 if unknown. */
  readonly total: number;
  readonly expected?: Digest;
  readonly startedAt: Date;
  readonly updatedAt: Date;
}

/** What is to be written, as far as that is known. */
export type ExpectedContent = Partial<Pick<Descriptor, "digest" | "size">>;

/** Random access to committed content. */
export interface ContentReader extends AsyncDisposable {
  /** Bytes. */
  readonly size: number;
  /**
   * Fills `buffer` from `offset` (bytes); a short count only at the end.
   * @throws {EngineError} `outOfRange` if `offset` > size
   */
  readAt(buffer: Uint8Array, offset: number): Promise<number>;
}

export interface CommitOptions {
  /** Checked against what was written. */
  readonly size?: number;
  /** Checked against what was written. */
  readonly digest?: Digest;
  readonly labels?: Labels;
}

/**
 * One open ingest. Disposing without `commit` leaves it resumable.
 * At most one writer per ref, across processes.
 */
export interface ContentWriter extends AsyncDisposable {
  status(): Promise<IngestStatus>;
  /** Appends all of `chunk`; the caller may reuse the buffer afterwards. */
  write(chunk: Uint8Array): Promise<void>;
  /** Of what was written so far. */
  digest(): Promise<Digest>;
  /** Cuts the ingest back to `size` bytes (only 0 need be supported). */
  truncate(size: number): Promise<void>;
  /**
   * Verifies size and digest, makes the bytes durable, then visible. The
   * ingest is gone afterwards, whatever the outcome of the check.
   * @returns the digest of what was written
   * @throws {EngineError} `alreadyExists` if this content is in the namespace;
   * `failedPrecondition` on a wrong size or digest
   */
  commit(ctx: Context, options?: CommitOptions): Promise<Digest>;
}

export interface ContentStore {
  /** @throws {EngineError} `notFound` */
  readerAt(ctx: Context, descriptor: Descriptor): Promise<ContentReader>;
  /**
   * Opens or resumes the ingest `ref`.
   * @throws {EngineError} `alreadyExists` if `expected` is in the namespace;
   * `unavailable` if another writer holds `ref`
   */
  writer(
    ctx: Context,
    ref: string,
    expected?: ExpectedContent,
  ): Promise<ContentWriter>;
  /** @throws {EngineError} `notFound` */
  status(ctx: Context, ref: string): Promise<IngestStatus>;
  listStatuses(
    ctx: Context,
    filters?: readonly string[],
  ): AsyncIterable<IngestStatus>;
  /** Drops an ingest. @throws {EngineError} `notFound` */
  abort(ctx: Context, ref: string): Promise<void>;
  /** @throws {EngineError} `notFound` */
  info(ctx: Context, digest: Digest): Promise<ContentInfo>;
  /**
   * Changes labels only. Without `fieldPaths` all labels are replaced; else
   * only the named ones (`labels`, `labels.KEY`).
   * @throws {EngineError} `notFound`
   */
  update(
    ctx: Context,
    info: Pick<ContentInfo, "digest" | "labels">,
    fieldPaths?: readonly string[],
  ): Promise<ContentInfo>;
  walk(ctx: Context, filters?: readonly string[]): AsyncIterable<ContentInfo>;
  /** @throws {EngineError} `notFound` */
  delete(ctx: Context, digest: Digest): Promise<void>;
}

/** What a store elsewhere offers on top to whoever knows sizes by himself. */
export interface SizedContent {
  /** Reading throws `notFound`, not this. @param size bytes */
  sizedReader(ctx: Context, digest: Digest, size: number): ContentReader;
}

/**
 * What a store in this file system offers on top: an unpacker in another
 * thread writes the ingest file itself and only the verdict comes back.
 */
export interface LocalContentStore extends ContentStore {
  /** The path of a committed blob. @throws {EngineError} `notFound` */
  blobPath(ctx: Context, digest: Digest): Promise<string>;
  /** Opens or resumes `ref` like `writer`, for a writer elsewhere. */
  ingestFile(
    ctx: Context,
    ref: string,
    expected: Descriptor,
  ): Promise<IngestFile>;
}

/** An ingest that somebody else appends to. Disposing leaves it resumable. */
export interface IngestFile extends AsyncDisposable {
  /** Open for append by the holder; `offset` bytes are there already. */
  readonly path: string;
  readonly offset: number;
  /**
   * Makes visible what was written. The caller vouches for `digest` and
   * `size`, having hashed every byte (a resumed part too) as it passed.
   * Durability is left to the caller's barrier (one `syncfs` per image).
   */
  commitVerified(
    ctx: Context,
    verified: { readonly digest: Digest; readonly size: number },
    labels?: Labels,
  ): Promise<void>;
  /** Throws the ingest away, for bytes that proved to be wrong. */
  discard(): Promise<void>;
}

export function isLocalContentStore(
  store: ContentStore,
): store is LocalContentStore {
  return "ingestFile" in store;
}
