/** Moving images between a registry, the image store and an archive. */

import type { Context } from "../base/context.ts";
import type { Platform } from "../base/platform.ts";
import type { Descriptor } from "../oci/image_spec.ts";
import type { Labels } from "./labels.ts";
import type { Resolver } from "./registry.ts";

export interface Transferrer {
  /**
   * Registry to store (pull), store to registry (push), archive to store
   * (import), store to archive (export), store to store (tag) and archive to
   * archive (its bytes as they are).
   * @throws {EngineError} `unimplemented` for any other pair
   */
  transfer(
    ctx: Context,
    source: TransferEnd,
    destination: TransferEnd,
    onProgress?: OnTransferProgress,
  ): Promise<void>;
}

export type TransferEnd =
  | RegistryEnd
  | ImageStoreEnd
  | ImportEnd
  | ExportEnd
  /** Nothing that we transfer from or to. */
  | { readonly kind: "other"; readonly typeUrl: string };

export interface RegistryEnd {
  readonly kind: "registry";
  /** As the client wrote it. */
  readonly reference: string;
  readonly access: RegistryAccess;
}

/** How a client wants a registry to be asked. */
export interface RegistryAccess {
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Directory of `HOST/hosts.toml` instead of our own ones. */
  readonly hostDir?: string;
  readonly scheme?: "http" | "https";
  /** Instead of our own ones. */
  readonly credentials?: AskForCredential;
  /** Hears of every request and answer; without secrets. */
  readonly onExchange?: (text: string) => void;
  /** For when the transfer is over. */
  readonly close?: () => void;
}

/** @param host with its port; undefined to ask as nobody */
export type AskForCredential = (
  ctx: Context,
  host: string,
) => Promise<RegistryCredential | undefined>;

export type RegistryCredential =
  | {
    readonly kind: "password";
    readonly username: string;
    readonly password: string;
  }
  /** A refresh token of OAuth 2. */
  | { readonly kind: "identity"; readonly token: string };

/** Opens a resolver for one transfer. */
export type OpenResolver = (
  ctx: Context,
  access: RegistryAccess,
) => Promise<Resolver & Disposable>;

export interface ImageStoreEnd {
  readonly kind: "imageStore";
  /** Of the image; empty if an archive or `extraReferences` name it. */
  readonly name: string;
  readonly labels: Labels;
  /** Of which content is wanted, best first; all if there is none. */
  readonly platforms: readonly Platform[];
  /** `all`: manifests and configs of the other platforms, too. */
  readonly metadata: "wanted" | "all";
  /** How many manifests of an index are taken; absent for all. */
  readonly manifestLimit?: number;
  readonly extraReferences: readonly ExtraReference[];
  readonly unpacks: readonly UnpackTarget[];
}

/** A further name, or what names of an archive's images are made of. */
export type ExtraReference =
  | { readonly kind: "name"; readonly name: string }
  | {
    readonly kind: "prefix";
    /** Without tag and digest. */
    readonly name: string;
    /** Names in the archive that begin otherwise: are they taken as they are? */
    readonly otherNames: "take" | "ignore";
    /** `unnamed`: only of what the archive does not name. */
    readonly digests: "never" | "unnamed" | "always";
  };

export interface UnpackTarget {
  readonly platform: Platform;
  /** Empty for the default one. */
  readonly snapshotter: string;
}

/** An archive that is read: `docker save`'s, or an OCI layout in a tar. */
export interface ImportEnd {
  readonly kind: "import";
  readonly bytes: AsyncIterable<Uint8Array<ArrayBuffer>>;
  /** What becomes of layers that are not compressed. */
  readonly layers: "keep" | "compress";
}

/** An archive that is written. */
export interface ExportEnd {
  readonly kind: "export";
  /** Takes all of it, in order. */
  readonly write: (
    ctx: Context,
    bytes: AsyncIterable<Uint8Array<ArrayBuffer>>,
  ) => Promise<void>;
  /** Best first; this machine's if there is none. */
  readonly platforms: readonly Platform[];
  /** `all`: whatever the index names. */
  readonly others: "leave" | "all";
  /** `docker` adds a manifest.json. */
  readonly format: "docker" | "oci";
  readonly blobs: "all" | "distributable";
}

/** The latest about one thing; a later one replaces it. */
export interface TransferProgress {
  /** What happens: `downloading`, or a sentence if it is about no one thing. */
  readonly event: string;
  /** `layer-sha256:…`, an image's name, or empty. */
  readonly name: string;
  /** Names that are above it in what is shown. */
  readonly parents: readonly string[];
  /** Bytes. */
  readonly done: number;
  readonly total: number;
  readonly descriptor?: Descriptor;
}

export type OnTransferProgress = (progress: TransferProgress) => void;
