import { dataLoss } from "../../base/errors.ts";
import type { LooseEnds } from "../../core/unpack.ts";
import type { SnapshotUsage } from "../../core/snapshot.ts";
import type { TarHandler, TarHeader } from "../../oci/tar/header.ts";
import { ERRNO, hasErrno, SysError } from "../../sys/errno.ts";
import {
  closeFd,
  createFile,
  type Errno,
  type Fd,
  makeDirectory,
  makeHardLink,
  makeNode,
  makeSymlink,
  openSubdirectory,
} from "../../sys/fs.ts";
import { setAttributeOf } from "../../sys/fs_metadata.ts";
import { cleanPath, readEntryName } from "./entry_name.ts";
import { FileWriter } from "./file_writer.ts";
import { LayerTree } from "./layer_tree.ts";
import { MetadataSetter, type OwnerPolicy } from "./metadata.ts";
import { removeChildren, removeTree } from "./remove_tree.ts";

export interface ExtractOptions {
  readonly target: string;
  /** `staged` alone, as overlay keeps layers; `applied` onto the parent. */
  readonly how: "staged" | "applied";
  /** Where overlay finds its marks. */
  readonly attributes: "trusted" | "user";
  readonly owners: OwnerPolicy;
  /** Whether the kernel lets us make devices. */
  readonly devices: "make" | "skip";
  readonly uid: number;
  readonly gid: number;
  readonly umask: number;
  /** Directories kept open at most. */
  readonly openDirectories: number;
}

export interface Extracted {
  readonly usage: SnapshotUsage;
  readonly needsParent?: string;
  readonly loose: LooseEnds;
  /** What was left out, for the log; the first few only. */
  readonly notes: readonly string[];
}

const MAX_NOTES = 20;
const PAGE = 4096;
/** `y` */
const OPAQUE_VALUE = new Uint8Array([0x79]);

/**
 * Makes files of a layer's entries, in the order of the archive.
 *
 * Entries are made relative to their parent directory, which the kernel finds
 * inside the target; the last component is never followed. What is in the way
 * is replaced, except a directory by a directory. Directories get their
 * metadata at the end, when nothing is put into them any more.
 */
export class LayerExtractor implements TarHandler, Disposable {
  readonly #options: ExtractOptions;
  readonly #tree: LayerTree;
  readonly #file = new FileWriter();
  readonly #metadata: MetadataSetter;
  /** Entries of directories by clean path. */
  readonly #directories = new Map<string, TarHeader>();
  readonly #implicit = new Set<string>();
  readonly #whiteouts = new Set<string>();
  readonly #opaque = new Set<string>();
  /** Paths of this layer, which its own opaque marks spare. */
  readonly #unpacked = new Set<string>();
  readonly #notes: string[] = [];
  #inodes = 1;
  #sizeBytes = PAGE;
  #needsParent: string | undefined;
  #makesRoot = false;

  constructor(options: ExtractOptions) {
    this.#options = options;
    this.#tree = new LayerTree(options.target, options.openDirectories);
    const ownership = options.how === "staged" ? "fresh" : "inherited";
    this.#metadata = new MetadataSetter({
      ...options,
      ownership,
      note: (message) => this.#note(message),
    });
  }

  entry(header: TarHeader): void {
    if (this.#needsParent !== undefined) return;
    try {
      this.#make(header);
    } catch (error) {
      if (this.#options.how !== "staged" || !isAboutPaths(error)) throw error;
      // With the layers below in view it may well work, or fail for good.
      this.#needsParent = error.message;
    }
  }

  #make(header: TarHeader): void {
    const name = readEntryName(header.name);
    switch (name.kind) {
      case "root":
        return this.#rootEntry(header);
      case "ignored":
        return;
      case "opaque":
        return this.#opaqueEntry(name.parent);
      case "whiteout":
        return this.#whiteout(name.parent, name.base);
      case "ordinary":
        return this.#ordinary(header, name.parent, name.base);
      default:
        return name satisfies never;
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
    if (this.#needsParent === undefined) this.#finishDirectories();
    if (!this.#makesRoot) this.#implicit.add("");
    return {
      usage: { inodes: this.#inodes, sizeBytes: this.#sizeBytes },
      ...(this.#needsParent === undefined
        ? {}
        : { needsParent: this.#needsParent }),
      loose: {
        implicitDirectories: [...this.#implicit],
        whiteouts: [...this.#whiteouts],
        opaqueDirectories: [...this.#opaque],
      },
      notes: this.#notes,
    };
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
    this.#tree[Symbol.dispose]();
  }

  #note(message: string): void {
    if (this.#notes.length < MAX_NOTES) this.#notes.push(message);
  }

  #rootEntry(header: TarHeader): void {
    if (header.type !== "directory") {
      throw dataLoss(`Cannot unpack "${header.name}": the root is a directory`);
    }
    this.#makesRoot = true;
    this.#directories.set("", header);
  }

  /** The directory for entries at `path`; undefined if the parent decides. */
  #parent(path: string): Fd | undefined {
    const found = this.#tree.find(path);
    if (found >= 0) return found;
    if (this.#whiteouts.size > 0) this.#replaceWhiteouts(path);
    const links = this.#options.how === "staged" ? "report" : "complete";
    const made = this.#tree.make(path, links, (real) => this.#onImplicit(real));
    if (made === undefined) {
      this.#needsParent = `"${path}" leads through a link to a layer below`;
    }
    return made;
  }

  #onImplicit(path: string): void {
    this.#countDirectory();
    this.#implicit.add(path);
    this.#remember(path);
  }

  /** A directory that this layer hid, but then puts something into, is new. */
  #replaceWhiteouts(path: string): void {
    const parts = path.split("/");
    for (let depth = 1; depth <= parts.length; depth++) {
      const prefix = parts.slice(0, depth).join("/");
      const parent = this.#tree.find(parts.slice(0, depth - 1).join("/"));
      const name = parts[depth - 1] ?? "";
      if (parent < 0) return;
      if (!this.#isWhiteout(parent, name)) continue;
      this.#remove(prefix, parent, name);
      const failed = makeDirectory(parent, name, 0o755);
      if (failed !== 0) throw new SysError("make directory", failed, prefix);
      this.#countDirectory();
      return this.#hideBelow(prefix);
    }
  }

  /** Where an entry really lies, if links led to its directory. */
  #real(parent: Fd, base: string): string {
    const directory = this.#tree.realPath(parent);
    return directory === "" ? base : `${directory}/${base}`;
  }

  #isWhiteout(parent: Fd, base: string): boolean {
    return this.#whiteouts.size > 0 &&
      this.#whiteouts.has(this.#real(parent, base));
  }

  #remember(path: string): void {
    if (this.#options.how === "applied") this.#unpacked.add(path);
  }

  #count(dataBytes: number): void {
    this.#inodes++;
    this.#sizeBytes += dataBytes === 0 ? 0 : Math.ceil(dataBytes / PAGE) * PAGE;
  }

  #ordinary(header: TarHeader, above: string, base: string): void {
    const parent = this.#parent(above);
    if (parent === undefined) return;
    const path = above === "" ? base : `${above}/${base}`;
    this.#remember(path);
    if (header.type === "directory") {
      return this.#directory(header, parent, path, base);
    }
    if (header.type === "file") {
      return this.#regular(header, parent, path, base);
    }
    if (header.type === "hardlink") {
      return this.#hardLink(header, parent, path, base);
    }
    if (this.#skipsDevice(header)) return;
    const { type, linkName } = header;
    this.#replacing(
      path,
      parent,
      base,
      () =>
        type === "symlink"
          ? makeSymlink(parent, base, linkName)
          : makeNode(parent, base, nodeOptions(header, type)),
    );
    this.#metadata.setAt(parent, base, header);
    this.#count(0);
  }

  #skipsDevice({ type, name }: TarHeader): boolean {
    if (type !== "char" && type !== "block") return false;
    if (this.#options.devices === "make") return false;
    this.#note(`"${name}": a device can't be made here and is left out`);
    return true;
  }

  #regular(header: TarHeader, parent: Fd, path: string, base: string): void {
    const mode = header.mode & 0o777;
    let fd = createFile(parent, base, mode);
    if (fd === -ERRNO.EEXIST) {
      this.#remove(path, parent, base);
      fd = createFile(parent, base, mode);
    }
    if (fd < 0) throw new SysError("create file", -fd, header.name);
    this.#count(header.size);
    this.#file.begin(fd, header);
  }

  #directory(header: TarHeader, parent: Fd, path: string, base: string): void {
    let failed = makeDirectory(parent, base, 0o700);
    if (failed === ERRNO.EEXIST) {
      const there = openSubdirectory(parent, base, "place");
      if (there >= 0) {
        closeFd(there);
        failed = 0;
      } else {
        this.#remove(path, parent, base);
        failed = makeDirectory(parent, base, 0o700);
        if (failed === 0) this.#hideBelow(path);
        this.#countDirectory();
      }
    } else this.#countDirectory();
    if (failed !== 0) throw new SysError("make directory", failed, header.name);
    if (this.#implicit.size > 0) {
      this.#implicit.delete(this.#real(parent, base));
    }
    this.#directories.set(path, header);
  }

  #countDirectory(): void {
    this.#count(PAGE);
  }

  /** What a replaced entry hid of the layers below stays hidden. */
  #hideBelow(path: string): void {
    if (this.#options.how === "applied") return;
    const fd = this.#tree.find(path);
    if (fd < 0) throw new SysError("open directory", -fd, path);
    this.#markOpaque(fd, path);
  }

  #markOpaque(fd: Fd, path: string): void {
    const name = `${this.#options.attributes}.overlay.opaque`;
    const failed = setAttributeOf(fd, name, OPAQUE_VALUE);
    if (failed !== 0) throw new SysError("mark as opaque", failed, path);
    this.#opaque.add(this.#tree.realPath(fd));
  }

  #hardLink(header: TarHeader, parent: Fd, path: string, base: string): void {
    const target = cleanPath(header.linkName);
    const slash = target.lastIndexOf("/");
    const from = this.#tree.find(slash < 0 ? "" : target.slice(0, slash));
    const name = target.slice(slash + 1);
    if (from >= 0 && target === path) return;
    // A whiteout is a file to the kernel, but nothing to an image.
    const isNothing = from >= 0 && this.#isWhiteout(from, name);
    const failed = from < 0
      ? -from
      : isNothing
      ? ERRNO.ENOENT
      : this.#link(from, name, parent, base, path);
    if (failed === 0) return;
    if (failed === ERRNO.ENOENT && this.#options.how === "staged") {
      this.#needsParent = `"${path}" is a link to "${target}" of a layer below`;
      return;
    }
    throw new SysError(`link "${header.name}" to`, failed, header.linkName);
  }

  #link(from: Fd, name: string, parent: Fd, base: string, path: string): Errno {
    const failed = makeHardLink(from, name, parent, base);
    if (failed !== ERRNO.EEXIST) return failed;
    // Linked aside first, in case that what is in the way is the target.
    const spare = `.coracle-link-${this.#inodes}`;
    const unlinkable = makeHardLink(from, name, this.#tree.root, spare);
    if (unlinkable !== 0) return unlinkable;
    this.#remove(path, parent, base);
    const fresh = this.#parent(
      path.slice(0, Math.max(0, path.length - base.length - 1)),
    );
    const again = fresh === undefined
      ? ERRNO.ENOENT
      : makeHardLink(this.#tree.root, spare, fresh, base);
    removeTree(this.#tree.root, spare);
    return again;
  }

  /** Makes something of which there may be an older version. */
  #replacing(path: string, parent: Fd, base: string, make: () => Errno): void {
    let failed = make();
    if (failed === ERRNO.EEXIST) {
      this.#remove(path, parent, base);
      failed = make();
    }
    if (failed !== 0) throw new SysError("make", failed, path);
  }

  /** `parent` stays open; whatever else was open may be another now. */
  #remove(path: string, parent: Fd, base: string): void {
    const what = removeTree(parent, base);
    if (what === "nothing") return;
    const real = this.#real(parent, base);
    if (what === "directory") {
      forgetBelow(this.#directories, path);
      forgetBelow(this.#implicit, real);
      forgetBelow(this.#whiteouts, real);
      forgetBelow(this.#opaque, real);
    }
    this.#whiteouts.delete(real);
    this.#inodes--;
    this.#tree.forget(parent);
  }

  #whiteout(above: string, base: string): void {
    const parent = this.#parent(above);
    if (parent === undefined) return;
    const path = above === "" ? base : `${above}/${base}`;
    if (this.#options.how === "applied") {
      return this.#remove(path, parent, base);
    }
    const whiteout = { type: "char", mode: 0, major: 0, minor: 0 } as const;
    this.#replacing(path, parent, base, () => makeNode(parent, base, whiteout));
    this.#whiteouts.add(this.#real(parent, base));
    this.#count(0);
  }

  #opaqueEntry(path: string): void {
    const fd = this.#parent(path);
    if (fd === undefined) return;
    if (this.#options.how === "staged") {
      // Overlay merges the roots of layers, whatever is written on them.
      if (this.#tree.realPath(fd) === "") {
        this.#needsParent = "the layer hides all layers below";
        return;
      }
      return this.#markOpaque(fd, path);
    }
    const start = path === "" ? "" : `${path}/`;
    removeChildren(fd, (name) => this.#unpacked.has(start + name));
    this.#tree.forget();
  }

  #finishDirectories(): void {
    // The deepest first: a directory may be closed to us afterwards.
    for (const [path, header] of [...this.#directories].reverse()) {
      const slash = path.lastIndexOf("/");
      const parent = this.#tree.find(slash < 0 ? "" : path.slice(0, slash));
      const name = path === "" ? "." : path.slice(slash + 1);
      const fd = parent < 0 ? parent : openSubdirectory(parent, name, "change");
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

/** Drops what lies at `path` or below. */
function forgetBelow(
  paths: Set<string> | Map<string, unknown>,
  path: string,
): void {
  for (const key of paths.keys()) {
    if (key === path || key.startsWith(`${path}/`)) paths.delete(key);
  }
}

/** Failures that have to do with what is at other paths. */
function isAboutPaths(error: unknown): error is SysError {
  return hasErrno(
    error,
    ERRNO.ENOENT,
    ERRNO.ENOTDIR,
    ERRNO.EISDIR,
    ERRNO.EEXIST,
    ERRNO.ELOOP,
  );
}

function nodeOptions(
  { mode, devMajor, devMinor }: TarHeader,
  type: "char" | "block" | "fifo",
): Parameters<typeof makeNode>[2] {
  return { type, mode, major: devMajor, minor: devMinor };
}
