import { type Context, DEFAULT_NAMESPACE } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import type { FsckFinding } from "../core/fsck.ts";
import { type FsckDeps, type FsckOptions, settle } from "./fsck.ts";
import { adoptImages } from "./fsck_adopt.ts";
import { FsckPatience } from "./fsck_patience.ts";
import { otherBytes, otherSize, readThrough } from "./fsck_read.ts";

/** Reads every blob, and looks up every record. */
export async function* checkBlobs(
  ctx: Context,
  deps: FsckDeps,
  options: FsckOptions,
): AsyncIterable<FsckFinding> {
  const adopted: Digest[] = [];
  const patience = new FsckPatience();
  const isUnrecorded = (digest: Digest) =>
    patience.lasts(() =>
      !deps.records.knows(digest) && deps.content.hasBlob(digest)
    );
  let checkedBytes = 0;
  for (const digest of deps.content.walkBlobs()) {
    ctx.signal.throwIfAborted();
    const state = await readBlobState(ctx, deps, digest, (bytes) => {
      checkedBytes += bytes;
      options.onProgress?.(checkedBytes);
    });
    if (state.kind === "damaged") {
      yield damagedBlob(deps, options, digest, state.detail);
    } else if (state.kind === "intact" && await isUnrecorded(digest)) {
      if (options.mode === "repair") adopted.push(digest);
      yield unrecordedBlob(deps, options, digest, state.size);
    }
  }
  await adoptImages(ctx, deps, adopted);
  yield* missingBlobs(deps, options);
}

type BlobState =
  | { readonly kind: "intact"; readonly size: number }
  | { readonly kind: "damaged"; readonly detail: string }
  /** Deleted by somebody while it was looked at. */
  | { readonly kind: "gone" };

async function readBlobState(
  ctx: Context,
  deps: FsckDeps,
  digest: Digest,
  onRead: (bytes: number) => void,
): Promise<BlobState> {
  if (!deps.content.hasBlob(digest)) return { kind: "gone" };
  await using reader = deps.content.openBlob(digest);
  const recorded = deps.records.sizeAnywhere(digest);
  if (recorded !== undefined && recorded !== reader.size) {
    return { kind: "damaged", detail: otherSize(reader.size, recorded) };
  }
  const found = await readThrough(ctx, reader, digest, onRead);
  return found.digest === digest
    ? { kind: "intact", size: reader.size }
    : { kind: "damaged", detail: otherBytes(found) };
}

function damagedBlob(
  { content, records }: FsckDeps,
  { mode }: FsckOptions,
  digest: Digest,
  detail: string,
): FsckFinding {
  return {
    kind: "blob-damaged",
    severity: "error",
    subject: digest,
    detail,
    action: "quarantine",
    state: settle(mode, () => {
      content.quarantine(digest);
      records.forget(digest);
    }),
  };
}

function unrecordedBlob(
  { records }: FsckDeps,
  { mode }: FsckOptions,
  digest: Digest,
  size: number,
): FsckFinding {
  return {
    kind: "blob-unrecorded",
    severity: "notice",
    subject: digest,
    detail: `No record knows these ${size} bytes, which are intact`,
    action: "adopt",
    state: settle(mode, () => {
      records.adopt(DEFAULT_NAMESPACE, digest, size);
    }),
  };
}

function* missingBlobs(
  { content, records }: FsckDeps,
  { mode }: FsckOptions,
): Iterable<FsckFinding> {
  for (const { digest, namespaces } of records.walkAll()) {
    // Asked again, after the file: it may have been deleted meanwhile.
    if (content.hasBlob(digest) || !isStillMissing(digest)) continue;
    yield {
      kind: "blob-missing",
      severity: "error",
      subject: digest,
      detail: `Its file is gone; it is known in "${namespaces.join('", "')}"`,
      action: "forget",
      state: settle(mode, () => records.forget(digest)),
    };
  }

  function isStillMissing(digest: Digest): boolean {
    return records.sizeAnywhere(digest) !== undefined &&
      !content.hasBlob(digest);
  }
}
