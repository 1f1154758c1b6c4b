import type { Digest } from "./digest.ts";

/**
 * A normalised image reference.
 * `alpine` is `{ domain: "docker.io", path: "library/alpine", tag: "latest" }`.
 */
export interface Reference {
  /** Host, with its port if any. */
  readonly domain: string;
  readonly path: string;
  /** Absent if only a digest was given. */
  readonly tag?: string;
  readonly digest?: Digest;
}
