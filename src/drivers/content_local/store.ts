// deno-lint-ignore-file require-await -- remote stores have this interface too

import type { Context } from "../../base/context.ts";
import type { Digest } from "../../base/digest.ts";
import {
  alreadyExists,
  failedPrecondition,
  hasCode,
  invalidArgument,
  notFound,
} from "../../base/errors.ts";
import { parseFilters } from "../../base/filters.ts";
import type {
  ContentInfo,
  ContentReader,
  ContentWriter,
  ExpectedContent,
  IngestFile,
  IngestStatus,
  LocalContentStore,
} from "../../core/content.ts";
import type {
  ContentInventory,
  ContentRecords,
  ContentSweeper,
  StoredIngest,
} from "../../core/records.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import type { CheckableContent } from "../../core/fsck.ts";
import { removeTree } from "../../sys/remove_tree.ts";
import { AdoptedFile, adoptedWriter } from "./adopted.ts";
import {
  HeldIngest,
  ingestInfo,
  isHeld,
  readIngest,
  removeIngest,
  removeUnheld,
  walkIngests,
} from "./ingest.ts";
import { LocalIngestFile } from "./ingest_file.ts";
import { blobFiles, entries, Layout, statOrNone } from "./layout.ts";
import { quarantineBlob } from "./place.ts";
import { LocalContentReader } from "./reader.ts";
import { LocalContentWriter } from "./writer.ts";

export interface ContentStoreOptions {
  /** The content directory; made when first written to. */
  readonly root: string;
  readonly records: ContentRecords & ContentInventory;
  readonly now: () => Date;
}

/** Content in files below one directory, shared by several processes. */
export function createContentStore(
  options: ContentStoreOptions,
): LocalContentStore & ContentSweeper & CheckableContent {
  return new FileContentStore(options);
}

class FileContentStore
  implements LocalContentStore, ContentSweeper, CheckableContent {
  readonly #options: ContentStoreOptions;
  readonly #records: ContentRecords & ContentInventory;
  readonly #layout: Layout;

  constructor(options: ContentStoreOptions) {
    this.#options = options;
    this.#records = options.records;
    this.#layout = new Layout(options.root);
  }

  async readerAt(
    ctx: Context,
    descriptor: Descriptor,
  ): Promise<ContentReader> {
    const { digest } = descriptor;
    return LocalContentReader.open(await this.blobPath(ctx, digest), digest);
  }

  async blobPath(ctx: Context, digest: Digest): Promise<string> {
    this.#info(ctx, digest);
    return this.#layout.blob(digest);
  }

  async writer(
    ctx: Context,
    ref: string,
    expected?: ExpectedContent,
  ): Promise<ContentWriter> {
    const { digest, size } = expected ?? {};
    if (digest !== undefined) {
      const adopted = this.#adoptable(ctx, ref, { digest, size });
      if (adopted !== undefined) return adoptedWriter(adopted);
    }
    const ingest = await this.#take(ctx, ref, expected);
    const deps = this.#deps(ref, expected);
    return await LocalContentWriter.open(deps, ingest);
  }

  async ingestFile(
    ctx: Context,
    ref: string,
    expected: Descriptor,
  ): Promise<IngestFile> {
    const adopted = this.#adoptable(ctx, ref, expected);
    if (adopted !== undefined) return new AdoptedFile(adopted);
    const ingest = await this.#take(ctx, ref, expected);
    return new LocalIngestFile(this.#deps(ref, expected), ingest);
  }

  async status(ctx: Context, ref: string): Promise<IngestStatus> {
    const directory = await this.#layout.ingest(ctx.namespace, ref);
    const ingest = readIngest(directory);
    if (ingest === undefined) throw notFound("ingest", ref);
    return ingest.status;
  }

  async *listStatuses(
    ctx: Context,
    filters?: readonly string[],
  ): AsyncIterable<IngestStatus> {
    const filter = parseFilters(filters);
    for (const { name } of entries(this.#layout.ingests)) {
      const ingest = readIngest(`${this.#layout.ingests}/${name}`);
      if (ingest?.namespace !== ctx.namespace) continue;
      const { status } = ingest;
      const matches = filter(([field]) =>
        field === "ref" ? status.ref : undefined
      );
      if (matches) yield status;
    }
  }

  async abort(ctx: Context, ref: string): Promise<void> {
    const directory = await this.#layout.ingest(ctx.namespace, ref);
    if (readIngest(directory) === undefined) throw notFound("ingest", ref);
    // A writer that still holds it will fail when it commits.
    removeIngest(directory);
  }

  async info(ctx: Context, digest: Digest): Promise<ContentInfo> {
    return this.#info(ctx, digest);
  }

  async update(
    ctx: Context,
    info: Pick<ContentInfo, "digest" | "labels">,
    fieldPaths?: readonly string[],
  ): Promise<ContentInfo> {
    return this.#records.update(ctx, info, fieldPaths);
  }

  async *walk(
    ctx: Context,
    filters?: readonly string[],
  ): AsyncIterable<ContentInfo> {
    yield* this.#records.walk(ctx, filters);
  }

  async delete(ctx: Context, digest: Digest): Promise<void> {
    this.#records.delete(ctx, digest, () => this.eraseBlob(digest));
  }

  eraseBlob(digest: Digest): void {
    removeTree(this.#layout.blob(digest));
  }

  walkIngests(): Iterable<StoredIngest> {
    return walkIngests(this.#layout);
  }

  dropIngest(ingest: StoredIngest): boolean {
    return removeUnheld(`${this.#layout.ingests}/${ingest.id}`);
  }

  *walkBlobs(): Iterable<Digest> {
    for (const { digest } of blobFiles(this.#layout)) yield digest;
  }

  openBlob(digest: Digest): ContentReader {
    return LocalContentReader.open(this.#layout.blob(digest), digest);
  }

  hasBlob(digest: Digest): boolean {
    return statOrNone(this.#layout.blob(digest)) !== undefined;
  }

  quarantine(digest: Digest): string {
    return quarantineBlob(this.#layout, digest);
  }

  *walkStrayIngests(): Iterable<string> {
    for (const { name } of entries(this.#layout.ingests)) {
      const path = `${this.#layout.ingests}/${name}`;
      if (readIngest(path) === undefined && !isHeld(path)) yield path;
    }
  }

  removeStrayIngest(path: string): void {
    removeUnheld(path);
  }

  /** Of those who were killed as they began, nothing can be taken up. */
  cleanup(): Promise<void> {
    return Promise.try(() => {
      for (const path of this.walkStrayIngests()) removeUnheld(path);
    });
  }

  #info(ctx: Context, digest: Digest): ContentInfo {
    const info = this.#records.get(ctx, digest);
    if (info === undefined) throw notFound("content", digest);
    return info;
  }

  /**
   * What is needed to adopt `expected` from another namespace; undefined if
   * none has it.
   * @throws {EngineError} `alreadyExists` if this namespace has it, held by
   * the context's lease from now on
   */
  #adoptable(
    ctx: Context,
    ref: string,
    { digest, size: wanted }: Pick<Descriptor, "digest"> & {
      readonly size: number | undefined;
    },
  ) {
    const path = this.#layout.blob(digest);
    if (this.#records.hold(ctx, digest) !== undefined) {
      // A record whose file is gone must not keep it from coming back.
      if (statOrNone(path) !== undefined) {
        throw alreadyExists("content", digest);
      }
      this.#records.forget(digest);
      return undefined;
    }
    const size = this.#records.sizeToShare(digest);
    if (size === undefined || statOrNone(path)?.size !== size) return undefined;
    if (wanted !== undefined && wanted !== size) return undefined;
    const { now } = this.#options;
    return { ...this.#deps(ref, { digest, size }), now };
  }

  async #take(
    ctx: Context,
    ref: string,
    expected: ExpectedContent | undefined,
  ): Promise<HeldIngest> {
    const { namespace } = ctx;
    if (ref === "") throw invalidArgument("Cannot write to an empty ref");
    if (namespace === "") throw failedPrecondition("namespace is required");
    const directory = await this.#layout.ingest(namespace, ref);
    const info = ingestInfo(namespace, ref, expected);
    const ingest = HeldIngest.take(directory, info, this.#options.now);
    try {
      this.#refuseStored(ctx, ref, ingest, expected);
      this.#records.holdIngest(ctx, ref);
      return ingest;
    } catch (error) {
      ingest[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Whoever held the ingest until now may have made it content meanwhile.
   * @throws {EngineError} `alreadyExists`
   */
  #refuseStored(
    ctx: Context,
    ref: string,
    ingest: HeldIngest,
    { digest, size }: ExpectedContent = {},
  ): void {
    if (digest === undefined) return;
    if (this.#records.get(ctx, digest) === undefined) return;
    try {
      this.#adoptable(ctx, ref, { digest, size });
    } catch (error) {
      if (hasCode(error, "alreadyExists")) ingest.remove();
      throw error;
    }
  }

  #deps<E extends ExpectedContent | undefined>(ref: string, expected: E) {
    const records = this.#records;
    return { layout: this.#layout, records, ref, expected };
  }
}
