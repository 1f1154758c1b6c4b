import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import { hasCode, unlessMissing } from "../base/errors.ts";
import type { ContentInfo } from "../core/content.ts";
import type { FsckFinding } from "../core/fsck.ts";
import type { FsckOptions } from "./fsck.ts";
import type { NamespaceCensus, ServedStore } from "./fsck_census.ts";
import { otherBytes, otherSize, readThrough } from "./fsck_read.ts";
import { refusal } from "./fsck_refusal.ts";

/** A blob, and the namespaces that know it. */
interface KnownBlob {
  readonly digest: Digest;
  readonly records: readonly (Pick<ContentInfo, "size"> & {
    readonly namespace: string;
  })[];
}

type Fault = Pick<FsckFinding, "kind" | "detail" | "action">;

/**
 * Reads each blob once, whoever knows it. In repair mode what is wrong comes
 * last: bytes are gone when garbage has been collected, which is done once.
 *
 * @param onLost called with what nobody can read any more
 */
export async function* checkServedBlobs(
  ctx: Context,
  store: ServedStore,
  all: readonly NamespaceCensus[],
  { mode, onProgress }: FsckOptions,
  onLost: (digest: Digest) => void,
): AsyncIterable<FsckFinding> {
  let checkedBytes = 0;
  const repaired: FsckFinding[] = [];
  for (const blob of knownBlobs(all)) {
    ctx.signal.throwIfAborted();
    const fault = await faultOf(ctx, store, blob, (bytes) => {
      checkedBytes += bytes;
      onProgress?.(checkedBytes);
    });
    if (fault === undefined) continue;
    if (mode === "repair" || fault.kind === "blob-missing") onLost(blob.digest);
    const found = {
      severity: "error",
      subject: blob.digest,
      ...fault,
    } as const;
    if (mode === "check") {
      yield { ...found, state: "found" };
    } else {
      await forget(ctx, store, blob);
      repaired.push({ ...found, state: "repaired" });
    }
  }
  if (repaired.length > 0) await store.collector.collect(ctx);
  yield* repaired;
}

function knownBlobs(
  all: readonly NamespaceCensus[],
): Iterable<KnownBlob> {
  const blobs = new Map<Digest, KnownBlob["records"]>();
  for (const { namespace, content } of all) {
    for (const { digest, size } of content.values()) {
      blobs.set(digest, [...blobs.get(digest) ?? [], { namespace, size }]);
    }
  }
  return [...blobs].map(([digest, records]) => ({ digest, records }));
}

/** Undefined if it is intact, or somebody has deleted it. */
async function faultOf(
  ctx: Context,
  store: ServedStore,
  blob: KnownBlob,
  onRead: (bytes: number) => void,
): Promise<Fault | undefined> {
  const still: string[] = [];
  for (const { namespace, size } of blob.records) {
    const there = { ...ctx, namespace };
    const detail = await read(there, store, { ...blob, size }, onRead);
    if (detail === "intact") return undefined;
    if (detail !== "gone") {
      return { kind: "blob-damaged", detail, action: "delete" };
    }
    const info = await unlessMissing(store.content.info(there, blob.digest));
    if (info !== undefined) still.push(namespace);
  }
  if (still.length === 0) return undefined;
  return {
    kind: "blob-missing",
    detail: `Its file is gone; it is known in "${still.join('", "')}"`,
    action: "forget",
  };
}

/** @returns what is wrong with it, for people, if anything is */
async function read(
  ctx: Context,
  { content }: ServedStore,
  { digest, size }: Pick<ContentInfo, "digest" | "size">,
  onRead: (bytes: number) => void,
): Promise<string> {
  try {
    await using reader = await content
      .readerAt(ctx, { mediaType: "", digest, size });
    const found = await readThrough(ctx, reader, digest, onRead);
    if (found.size !== size) return otherSize(found.size, size);
    return found.digest === digest ? "intact" : otherBytes(found);
  } catch (error) {
    return hasCode(error, "notFound") ? "gone" : refusal(ctx, error);
  }
}

async function forget(
  ctx: Context,
  { content }: ServedStore,
  { digest, records }: KnownBlob,
): Promise<void> {
  for (const { namespace } of records) {
    await unlessMissing(content.delete({ ...ctx, namespace }, digest));
  }
}
