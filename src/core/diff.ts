import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import type { Compression } from "../oci/media_types.ts";
import type { Descriptor } from "../oci/image_spec.ts";
import type { Labels } from "./labels.ts";
import type { Mount } from "./mount.ts";

/** A layer that was applied: the descriptor of the uncompressed tar. */
export interface AppliedDiff {
  readonly diffId: Digest;
  /** Bytes of the uncompressed tar. */
  readonly size: number;
}

export interface CompareOptions {
  readonly compression?: Compression;
  /** Media type of the result; by default OCI's for the compression. */
  readonly mediaType?: string;
  /** Ref of the ingest. */
  readonly ref?: string;
  readonly labels?: Labels;
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
}
