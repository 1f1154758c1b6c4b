// deno-lint-ignore-file require-await -- remote stores have this interface too

import type { Context } from "../../base/context.ts";
import type { Digest } from "../../base/digest.ts";
import { failedPrecondition, notFound } from "../../base/errors.ts";
import { AdoptedWriter } from "../../core/adopted_writer.ts";
import type {
  ContentWriter,
  ExpectedContent,
  IngestFile,
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

/** An ingest of bytes that another namespace has in a file of ours. */
export function adoptedWriter(deps: AdoptionDeps): ContentWriter {
  return new AdoptedWriter({
    ref: deps.ref,
    expected: deps.expected,
    startedAt: deps.now(),
    adopt: async (ctx, labels) => adopt(ctx, deps, labels),
  });
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
