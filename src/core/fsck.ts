/**
 * Checking a store: what is on disk against what the records say.
 *
 * The interfaces are optional powers of the local drivers; of a store behind a
 * socket is checked what its services tell.
 */

import type { Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import type { Descriptor } from "../oci/image_spec.ts";
import type { ContentReader } from "./content.ts";
import type { SnapshotKind, Snapshotter } from "./snapshot.ts";

/** `check` only looks; `repair` does what the findings say. */
export type FsckMode = "check" | "repair";

export type FsckKind =
  /** The database contradicts itself. */
  | "database-damaged"
  /** A blob's bytes are not those of its digest. */
  | "blob-damaged"
  /** A record whose blob is not there. */
  | "blob-missing"
  /** A blob that no record knows. */
  | "blob-unrecorded"
  /** An ingest that can't be resumed. */
  | "ingest-stray"
  /** A layer whose directory is not there; others are made when needed. */
  | "snapshot-missing"
  /** What a container has written, on a layer that is not there any more. */
  | "snapshot-orphaned"
  /** A snapshot that is not what its name says, or can't be looked at. */
  | "snapshot-damaged"
  /** A directory that no record knows. */
  | "directory-unrecorded"
  /** An image whose target is not there. */
  | "image-dangling"
  /** An image that lacks a layer or the config of a platform it has. */
  | "image-incomplete"
  /** A container whose snapshot or image is not there. */
  | "container-incomplete"
  /** A lease on what is not there. */
  | "lease-dangling";

/** What a repair does, or did. */
export type FsckAction =
  /** Records are taken over into a new database at the next start. */
  | "rebuild"
  /** Moved aside, record removed: the next pull fetches it again. */
  | "quarantine"
  /** The record is removed. */
  | "forget"
  /** A record is added, and an image for a complete manifest. */
  | "adopt"
  /** Removed from the disk. */
  | "delete"
  /** Somebody must decide. */
  | "none";

export interface FsckFinding {
  readonly kind: FsckKind;
  /** `error`: something does not work. `notice`: space is wasted. */
  readonly severity: "error" | "notice";
  /** A digest, an image's name, a snapshot, a directory. */
  readonly subject: string;
  /** One sentence for people. */
  readonly detail: string;
  readonly action: FsckAction;
  readonly state: "found" | "repaired";
}

/** Content as files, whoever's. */
export interface CheckableContent {
  walkBlobs(): Iterable<Digest>;
  /** @throws {EngineError} `dataLoss` if there is none */
  openBlob(digest: Digest): ContentReader;
  hasBlob(digest: Digest): boolean;
  /** Moves a blob aside. @returns where to */
  quarantine(digest: Digest): string;
  /** Directories of ingests that nobody holds and nobody could resume. */
  walkStrayIngests(): Iterable<string>;
  removeStrayIngest(path: string): void;
}

/** A snapshotter that can tell which directories it has. */
export interface InspectableSnapshotter extends Snapshotter {
  /** Ids of all directories, recorded or not. */
  listDirectories(ctx: Context): Promise<readonly number[]>;
}

export function hasDirectories(
  snapshotter: Snapshotter,
): snapshotter is InspectableSnapshotter {
  return "listDirectories" in snapshotter;
}

export interface StoredSnapshot {
  readonly namespace: string;
  readonly snapshotter: string;
  readonly name: string;
  /** Of its directory. */
  readonly id: number;
  readonly kind: SnapshotKind;
  /** The layer that it was built on and that was forgotten, if one was. */
  readonly lostParent?: string;
}

export interface StoredImage {
  readonly namespace: string;
  readonly name: string;
  readonly target: Descriptor;
}

/** Records of all namespaces, and the database they are in. */
export interface MetadataInventory {
  /** One line for each contradiction in the database. */
  check(): readonly string[];
  /** Has the database made anew when it is next opened. */
  condemn(): void;
  walkSnapshots(): Iterable<StoredSnapshot>;
  /** Directory ids of layers that are being unpacked. */
  reservedIds(): readonly number[];
  /**
   * Removes the records of a layer and of those built on it; gives their names.
   * What containers have written on them stays, for when the layer is back.
   */
  forgetSnapshot(id: number): readonly string[];
  walkImages(): Iterable<StoredImage>;
  /** Ends the protection of directories whose records may have been lost. */
  giveUpLostSnapshots(): void;
}
