import type { Digest } from "../../base/digest.ts";
import { notFound } from "../../base/errors.ts";
import type { HeldIngest } from "./ingest.ts";
import { type Layout, makeDirectory } from "./layout.ts";

/**
 * Moves an ingest's complete file among the blobs. One that is there already,
 * left by a process that died before it was recorded, is replaced: this one is
 * known to be right.
 *
 * @throws {EngineError} `notFound` if the ingest was aborted meanwhile
 */
export function placeBlob(
  layout: Layout,
  ingest: HeldIngest,
  digest: Digest,
): void {
  // What has its place now may be another writer's, and half of it.
  if (!ingest.isCurrent) throw notFound("ingest of content", digest);
  makeDirectory(layout.blobDirectory(digest));
  try {
    Deno.renameSync(ingest.dataPath, layout.blob(digest));
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw notFound("ingest of content", digest, { cause });
  }
}

/** Moves a damaged blob out of the way, to be looked at by whoever cares. */
export function quarantineBlob(layout: Layout, digest: Digest): string {
  makeDirectory(layout.quarantine);
  const name = digest.replace(":", "-");
  const aside = `${layout.quarantine}/${name}`;
  Deno.renameSync(layout.blob(digest), aside);
  return aside;
}
