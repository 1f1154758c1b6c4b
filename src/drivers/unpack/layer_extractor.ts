import { dataLoss, failedPrecondition } from "../../base/errors.ts";
import type { SnapshotUsage } from "../../core/snapshot.ts";
import type { LooseEnds } from "../../core/unpack.ts";
import type { TarHandler, TarHeader } from "../../oci/tar/header.ts";
import { ERRNO, hasErrno, SysError } from "../../sys/errno.ts";
import {
  closeFd,
  createFile,
  makeDirectory,
  makeNode,
  makeSymlink,
  openSubdirectory,
  removeName,
} from "../../sys/fs.ts";
import { readEntryName, readPlainName } from "./entry_name.ts";
import { FileWriter } from "./file_writer.ts";
import { unpackHardLink } from "./hard_link.ts";
import {
  LayerPlaces,
  NeedsParent,
  type Place,
  type PlacesOptions,
} from "./layer_places.ts";
import { MetadataSetter, type OwnerPolicy } from "./metadata.ts";

export interface ExtractOptions extends PlacesOptions {
  /** `plain`: no name means anything but itself. */
  readonly names: "layer" | "plain";
  readonly owners: OwnerPolicy;
  /** Whether the kernel lets us make devices. */
  readonly devices: "make" | "skip";
  readonly uid: number;
  readonly gid: number;
  readonly umask: number;
}

export interface Extracted {
  readonly usage: SnapshotUsage;
  readonly needsParent?: string;
  readonly loose: LooseEnds;
  /** What was left out, for the log; the first few only. */
  readonly notes: readonly string[];
}

const MAX_NOTES = 20;
const BLOCK = 4096;

/**
 * Makes files of a layer's entries, in the order of the archive.
 *
 * Entries are made relative to their parent directory, which the kernel finds
 * inside the target; the last component is never followed. What is in the way
 * is replaced, except a directory by a directory. Directories get their
 * metadata at the end, when nothing is put into them any more.
 *
 * If it turns out that a staged layer needs its parent, what follows is
 * ignored.
 */
export class LayerExtractor implements TarHandler, Disposable {
  readonly #options: ExtractOptions;
  readonly #places: LayerPlaces;
  readonly #file = new FileWriter();
  readonly #metadata: MetadataSetter;
  /** Entries of directories by clean path. */
  readonly #directories = new Map<string, TarHeader>();
  readonly #notes: string[] = [];
  #inodes = 1;
  #blocks = 1;
  #needsParent: string | undefined;
  /** Of the last file. */
  #place: Place | undefined;

  constructor(options: ExtractOptions) {
    this.#options = options;
    this.#places = new LayerPlaces(options);
    this.#metadata = new MetadataSetter({
      ...options,
      ownership: options.how === "staged" ? "fresh" : "inherited",
      note: (message) => this.#note(message),
    });
  }

  entry(header: TarHeader): void {
    if (this.#needsParent !== undefined) return;
    try {
      this.#unpack(header);
    } catch (error) {
      if (this.#options.how !== "staged" || !isAboutPaths(error)) throw error;
      // With the layers below in view it may well work, or fail for good.
      this.#needsParent = error.message;
    }
  }

  data(chunk: Uint8Array): void {
    if (this.#file.isOpen) this.#file.write(chunk);
  }

  endEntry(): void {
    this.#file.end((fd, header) => this.#metadata.setOpen(fd, header));
  }

  /** Call it when the archive has ended well. */
  finish(): Extracted {
    const reason = this.#needsParent;
    if (reason === undefined) this.#finishDirectories();
    return {
      usage: {
        inodes: this.#inodes + this.#places.inodes,
        sizeBytes: this.#blocks * BLOCK,
      },
      ...(reason === undefined ? {} : { needsParent: reason }),
      loose: this.#places.looseEnds(
        this.#directories.has("") ? "explicit" : "implicit",
      ),
      notes: this.#notes,
    };
  }

  [Symbol.dispose](): void {
    this.#dropHalf();
    this.#file[Symbol.dispose]();
    this.#places[Symbol.dispose]();
  }

  /** Nobody takes half a file for a whole one; half a layer is never used. */
  #dropHalf(): void {
    if (this.#options.names === "layer" || !this.#file.isOpen) return;
    const { parent, base } = this.#place ?? {};
    if (parent === undefined || base === undefined) return;
    removeName(parent, base, "file");
  }

  #note(message: string): void {
    if (this.#notes.length < MAX_NOTES) this.#notes.push(message);
  }

  #count(dataBytes: number): void {
    this.#inodes++;
    this.#blocks += Math.ceil(dataBytes / BLOCK);
  }

  #unpack(header: TarHeader): void {
    const name = this.#options.names === "layer"
      ? readEntryName(header.name)
      : readPlainName(header.name);
    switch (name.kind) {
      case "root":
        return this.#root(header);
      case "ignored":
        return;
      case "opaque":
        return this.#places.opaque(name.parent);
      case "whiteout":
        return this.#places.whiteout(this.#places.at(name.parent, name.base));
      case "ordinary":
        return this.#ordinary(header, this.#places.at(name.parent, name.base));
      default:
        return name satisfies never;
    }
  }

  #root(header: TarHeader): void {
    if (header.type !== "directory") {
      throw dataLoss(`Cannot unpack "${header.name}": the root is a directory`);
    }
    this.#directories.set("", header);
  }

  #ordinary(header: TarHeader, place: Place): void {
    this.#places.remember(place);
    switch (header.type) {
      case "file":
        return this.#regular(header, place);
      case "directory":
        return this.#directory(header, place);
      case "hardlink":
        return unpackHardLink(this.#places, header, place);
      case "symlink":
        return this.#symlink(header, place);
      case "char":
      case "block":
      case "fifo":
        return this.#node(header, header.type, place);
      default:
        return header.type satisfies never;
    }
  }

  #regular(header: TarHeader, place: Place): void {
    const { parent, base } = place;
    const mode = header.mode & 0o777;
    let fd = createFile(parent, base, mode);
    if (fd === -ERRNO.EEXIST) {
      this.#places.remove(place);
      fd = createFile(parent, base, mode);
    }
    if (fd < 0) throw new SysError("create file", -fd, header.name);
    this.#count(header.size);
    this.#place = place;
    this.#file.begin(fd, header);
  }

  #directory(header: TarHeader, place: Place): void {
    const { parent, base, path } = place;
    const failed = makeDirectory(parent, base, 0o700);
    if (failed === ERRNO.EEXIST) this.#keepOrReplace(header, place);
    else if (failed === 0) this.#count(BLOCK);
    else throw new SysError("make directory", failed, header.name);
    this.#places.makeExplicit(place);
    this.#directories.set(path, header);
  }

  #keepOrReplace(header: TarHeader, place: Place): void {
    const { parent, base } = place;
    const there = openSubdirectory(parent, base, "place");
    if (there >= 0) return closeFd(there);
    if (this.#options.inTheWay === "sameKind") {
      throw failedPrecondition(
        `cannot overwrite non-directory "${place.path}" with directory`,
      );
    }
    this.#places.remove(place);
    const failed = makeDirectory(parent, base, 0o700);
    if (failed !== 0) throw new SysError("make directory", failed, header.name);
    this.#places.hideBelow(place);
    this.#count(BLOCK);
  }

  #symlink(header: TarHeader, place: Place): void {
    const { parent, base } = place;
    this.#places.replacing(
      place,
      () => makeSymlink(parent, base, header.linkName),
    );
    this.#metadata.setAt(parent, base, header);
    this.#count(0);
  }

  #node(
    header: TarHeader,
    type: "char" | "block" | "fifo",
    place: Place,
  ): void {
    if (type !== "fifo" && this.#options.devices === "skip") {
      this.#note(`"${header.name}": a device can't be made here, left out`);
      return;
    }
    const { parent, base } = place;
    const { mode, devMajor: major, devMinor: minor } = header;
    this.#places.replacing(
      place,
      () => makeNode(parent, base, { type, mode, major, minor }),
    );
    this.#metadata.setAt(parent, base, header);
    this.#count(0);
  }

  #finishDirectories(): void {
    // The deepest first: a directory may be closed to us afterwards.
    for (const [path, header] of [...this.#directories].reverse()) {
      const slash = path.lastIndexOf("/");
      const above = this.#places.find(path.slice(0, Math.max(0, slash)));
      const base = path === "" ? "." : path.slice(slash + 1);
      const fd = above < 0 ? above : openSubdirectory(above, base, "change");
      // It was replaced or hidden since.
      if (fd === -ERRNO.ENOENT || fd === -ERRNO.ENOTDIR) continue;
      if (fd < 0) throw new SysError("open directory", -fd, path);
      try {
        this.#metadata.setOpen(fd, header);
      } finally {
        closeFd(fd);
      }
    }
  }
}

/** Failures that have to do with what is at other paths. */
function isAboutPaths(error: unknown): error is Error {
  return error instanceof NeedsParent || hasErrno(
    error,
    ERRNO.ENOENT,
    ERRNO.ENOTDIR,
    ERRNO.EISDIR,
    ERRNO.EEXIST,
    ERRNO.ELOOP,
  );
}
