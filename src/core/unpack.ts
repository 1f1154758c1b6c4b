/**
 * Unpacking layers, all of an image at once, while they download.
 *
 * A layer's bytes flow once: ingest file, digest, decompression, diff ID, tar,
 * files. A *staged* layer is unpacked alone, as overlay keeps a layer. A few
 * layers can't be: they link to a file of the layers below, or their meaning
 * hangs on what those contain; `unpack` or `settle` then answer with the
 * reason, and the layer is *applied* on top of its mounted parent.
 */

import type { Context } from "../base/context.ts";
import { EngineError } from "../base/errors.ts";
import type { Digest } from "../base/digest.ts";
import type { Descriptor } from "../oci/image_spec.ts";
import type { Mount } from "./mount.ts";
import type { SnapshotUsage } from "./snapshot.ts";

export interface LayerUnpacker {
  /** Threads start when first needed and end with the session. */
  open(): UnpackSession;
}

export interface UnpackSession extends AsyncDisposable {
  /**
   * Downloads if need be, verifies and unpacks one layer. Call it for all
   * layers at once: the session bounds threads and memory. Tells the source
   * why if it fails, and leaves a half-filled target behind.
   * @throws {EngineError} `dataLoss` if digest, size or diff ID are not what
   * was expected, or the archive is malformed, and {BrokenLayerError} where
   * other bytes would not help; what `source.open` throws
   */
  unpack(ctx: Context, job: LayerJob): Promise<UnpackedLayer>;
  /**
   * Makes a staged layer mean on top of `lower` what it would mean had it been
   * applied there: directories that it only passes through get the metadata
   * that they have below, and marks that hide nothing go.
   * @returns why it has to be applied instead, or undefined if it is settled
   */
  settle(
    ctx: Context,
    staged: StagedTree,
    lower: LowerTree,
  ): Promise<string | undefined>;
  /** Waits until all that was written near `path` is on disk. */
  barrier(ctx: Context, path: string): Promise<void>;
}

/** The bytes of the layer are the right ones, and can't be used. */
export class BrokenLayerError extends EngineError {
  constructor(reason: EngineError) {
    const { message, hint } = reason;
    super("dataLoss", message, {
      cause: reason.cause,
      ...hint === undefined ? {} : { hint },
    });
  }
}

export interface LayerJob {
  readonly layer: Descriptor;
  /** Checked if given. */
  readonly diffId?: Digest;
  readonly source: LayerSource;
  /** Absent: the bytes are only verified. */
  readonly target?: LayerTarget;
  /** Compressed bytes so far, in the file and through the unpacker. */
  onProgress?(downloadedBytes: number, unpackedBytes: number): void;
}

/** Where a layer's compressed bytes come from. */
export type LayerSource =
  | { readonly kind: "file"; readonly path: string }
  | {
    readonly kind: "download";
    /** Appended to; `offset` bytes are there already. */
    readonly path: string;
    readonly offset: number;
    open(offset: number): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
  };

export interface LayerTarget {
  /** A directory: empty if staged, the mounted parent if applied. */
  readonly path: string;
  readonly how: "staged" | "applied";
}

export interface UnpackedLayer {
  readonly digest: Digest;
  /** Compressed bytes. */
  readonly size: number;
  /** Absent if there was no target. */
  readonly tree?: UnpackedTree;
}

export interface UnpackedTree {
  readonly diffId: Digest;
  /** Bytes of the uncompressed tar. */
  readonly size: number;
  readonly usage: SnapshotUsage;
  /** Why the layer has to be applied on its parent; its tree is useless. */
  readonly needsParent?: string;
  readonly loose: LooseEnds;
}

/** What of a staged layer hangs on the layers below. Paths without a slash in front. */
export interface LooseEnds {
  /** Directories that entries lie in but that have none of their own. */
  readonly implicitDirectories: readonly string[];
  /** Directories that have one, but only behind what lies in them. */
  readonly lateDirectories: readonly string[];
  readonly whiteouts: readonly string[];
  /** Directories that hide what the layers below have in them. */
  readonly opaqueDirectories: readonly string[];
}

export interface StagedTree {
  readonly path: string;
  readonly loose: LooseEnds;
}

/** The layers below a staged one. */
export interface LowerTree {
  /** Settled directories that are not committed yet, nearest first. */
  readonly staged: readonly string[];
  /** Below all of these: a view of what is committed; empty if nothing is. */
  readonly mounts: readonly Mount[];
}
