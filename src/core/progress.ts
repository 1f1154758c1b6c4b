/** What a transfer tells whoever watches it; how it is shown is theirs. */

import type { Digest } from "../base/digest.ts";

export type ProgressState =
  | "resolving"
  | "waiting"
  | "downloading"
  | "unpacking"
  | "uploading"
  | "mounted"
  | "exists"
  | "done";

export type ProgressKind = "image" | "index" | "manifest" | "config" | "layer";

/** The latest about one subject; a later one replaces it. */
export interface Progress {
  readonly kind: ProgressKind;
  /** A digest; of an image, its reference. */
  readonly subject: Digest | string;
  readonly state: ProgressState;
  /** Bytes done in this state, of `totalBytes`; both compressed. */
  readonly doneBytes: number;
  /** Bytes; 0 if unknown. */
  readonly totalBytes: number;
}

export type OnProgress = (progress: Progress) => void;
