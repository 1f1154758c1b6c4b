import type { Context } from "../base/context.ts";
import type { EngineError } from "../base/errors.ts";
import type { Reference } from "../base/reference.ts";
import type { Descriptor } from "../oci/image_spec.ts";

/** How far a registry is trusted that no `hosts.toml` describes. */
export type RegistryTrust =
  /** https with a verified certificate; plain http on loopback only. */
  | "verify"
  /** https with any certificate, else plain http (`--insecure`). */
  | "skipVerify"
  /** Plain http (`--plain-http`). */
  | "plainHttp";

/** A remote place that names, gives and takes content. */
export interface Resolver {
  /**
   * @throws {EngineError} `notFound`; `unauthenticated`, `permissionDenied`;
   * `unavailable` with every host that was tried
   */
  resolve(ctx: Context, reference: Reference): Promise<Descriptor>;
  fetcher(reference: Reference): Fetcher;
  pusher(reference: Reference): Pusher;
}

export interface FetchOptions {
  /** Bytes to skip, for a resumed download. */
  readonly offset?: number;
}

export interface Fetcher {
  /**
   * The bytes of `descriptor` from `offset` on, as a byte stream that can be
   * read with a BYOB reader. They are not yet verified: whoever stores them
   * hashes them as they pass. A connection that breaks is resumed within.
   */
  fetch(
    ctx: Context,
    descriptor: Descriptor,
    options?: FetchOptions,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
  /**
   * Says that what it gave, all of it, is not what the descriptor says: whoever
   * sent it is not asked for that again.
   * @param error why
   * @throws {EngineError} with what every host said if there is nobody else to
   * ask; the error itself if there never was
   */
  distrust(
    ctx: Context,
    descriptor: Descriptor,
    error: EngineError,
  ): Promise<void>;
}

/** The outcome of asking to push one blob or manifest. */
export type PushWriter =
  | { readonly kind: "exists" }
  | { readonly kind: "mounted"; readonly from: string }
  | { readonly kind: "pushed" };

export interface PushSource {
  /** Bytes from `offset`; called again when an upload is resumed. */
  open(offset: number): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
  /** Repositories on the same host that hold this blob already. */
  readonly mountFrom?: readonly string[];
  onProgress?(sentBytes: number): void;
}

export interface Pusher {
  /** Pushes a blob, unless it is there. */
  pushBlob(
    ctx: Context,
    descriptor: Descriptor,
    source: PushSource,
  ): Promise<PushWriter>;
  /**
   * Pushes a manifest or index; by digest if `tag` is not given.
   */
  pushManifest(
    ctx: Context,
    descriptor: Descriptor,
    bytes: Uint8Array,
    tag?: string,
  ): Promise<PushWriter>;
}
