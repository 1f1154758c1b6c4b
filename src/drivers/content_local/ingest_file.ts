// deno-lint-ignore-file require-await -- remote stores have this interface too

import type { Context } from "../../base/context.ts";
import type { Digest } from "../../base/digest.ts";
import { failedPrecondition, notFound } from "../../base/errors.ts";
import type { IngestFile } from "../../core/content.ts";
import type { Labels } from "../../core/labels.ts";
import type { ContentRecords } from "../../core/records.ts";
import type { Descriptor } from "../../oci/image_spec.ts";
import type { HeldIngest } from "./ingest.ts";
import { FILE_MODE, type Layout, statOrNone } from "./layout.ts";
import { placeBlob } from "./place.ts";

interface IngestFileDeps {
  readonly layout: Layout;
  readonly records: ContentRecords;
  readonly ref: string;
  readonly expected: Descriptor;
}

/** An ingest whose bytes somebody else appends and hashes. */
export class LocalIngestFile implements IngestFile {
  readonly path: string;
  readonly offset: number;
  readonly #deps: IngestFileDeps;
  readonly #ingest: HeldIngest;
  #isOpen = true;

  /** Takes over the ingest: disposing this releases it. */
  constructor(deps: IngestFileDeps, ingest: HeldIngest) {
    this.#deps = deps;
    this.#ingest = ingest;
    this.path = ingest.dataPath;
    createFile(this.path);
    this.offset = statOrNone(this.path)?.size ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#ingest[Symbol.dispose]();
  }

  async commitVerified(
    ctx: Context,
    verified: { readonly digest: Digest; readonly size: number },
    labels: Labels = {},
  ): Promise<void> {
    this.#checkOpen();
    await using _ended = this;
    try {
      this.#verify(verified);
      const { layout, records, ref } = this.#deps;
      records.create(ctx, { ...verified, labels, ref }, () => {
        placeBlob(layout, this.#ingest, verified.digest);
      });
    } finally {
      this.#ingest.remove();
    }
  }

  async discard(): Promise<void> {
    this.#checkOpen();
    this.#ingest.remove();
    await this[Symbol.asyncDispose]();
  }

  #verify(verified: { readonly digest: Digest; readonly size: number }): void {
    const { ref, expected } = this.#deps;
    const size = statOrNone(this.path)?.size;
    if (size === undefined) throw notFound("ingest", ref);
    if (size !== verified.size || size !== expected.size) {
      throw failedPrecondition(
        `Cannot commit ref "${ref}": its file has ${size} bytes instead of ` +
          `${expected.size}`,
      );
    }
    if (verified.digest !== expected.digest) {
      throw failedPrecondition(
        `Cannot commit ref "${ref}": its digest is "${verified.digest}" ` +
          `instead of "${expected.digest}"`,
      );
    }
  }

  #checkOpen(): void {
    if (this.#isOpen) return;
    throw failedPrecondition(
      `Cannot use the ingest of ref "${this.#deps.ref}": it is closed`,
    );
  }
}

function createFile(path: string): void {
  const options = { append: true, create: true, mode: FILE_MODE };
  Deno.openSync(path, options).close();
}
