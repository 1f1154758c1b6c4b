import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import type { Compression } from "../oci/media_types.ts";
import type { Descriptor } from "../oci/image_spec.ts";
import type { Labels } from "./labels.ts";
import type { TreeChange } from "./file_tree.ts";
import type { Mount } from "./mount.ts";

/** A layer that was applied: the descriptor of the uncompressed tar. */
export interface AppliedDiff {
  readonly diffId: Digest;
  /** Bytes of the uncompressed tar. */
  readonly size: number;
  /** OCI's of a layer that is not compressed, if absent. */
  readonly mediaType?: string;
}

/** What of a difference does not count. */
export interface Uncounted {
  /**
   * Absolute paths at which something was mounted: a new file or directory
   * there that is empty was only made for that, and so was a new directory that
   * has nothing but such.
   */
  readonly mountPoints?: ReadonlySet<string>;
}

export interface CompareOptions extends Uncounted {
  readonly compression?: Compression;
  /** Media type of the result; by default OCI's for the compression. */
  readonly mediaType?: string;
  /** Ref of the ingest. */
  readonly ref?: string;
  readonly labels?: Labels;
  /** No file's time is later than that. */
  readonly latest?: Date;
}

export interface Differ {
  /**
   * Unpacks a layer that is in the content store onto `mounts`.
   * @throws {EngineError} `notFound`; `dataLoss` on a wrong digest or a
   * malformed archive; `unimplemented` for an unknown media type
   */
  apply(
    ctx: Context,
    layer: Descriptor,
    mounts: readonly Mount[],
  ): Promise<AppliedDiff>;
  /** Stores the difference of two sets of mounts as a layer. */
  compare(
    ctx: Context,
    lower: readonly Mount[],
    upper: readonly Mount[],
    options?: CompareOptions,
  ): Promise<Descriptor & { readonly diffId: Digest }>;
  /** Lists what `compare` would store, a directory before what is in it. */
  changes(
    ctx: Context,
    lower: readonly Mount[],
    upper: readonly Mount[],
    uncounted?: Uncounted,
  ): AsyncIterable<TreeChange>;
}
