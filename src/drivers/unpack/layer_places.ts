import { failedPrecondition } from "../../base/errors.ts";
import type { LooseEnds } from "../../core/unpack.ts";
import { ERRNO, SysError } from "../../sys/errno.ts";
import {
  type Errno,
  type Fd,
  type FdOrErrno,
  makeDirectory,
  makeNode,
  removeName,
} from "../../sys/fs.ts";
import { setAttributeOf, setModeAt } from "../../sys/fs_metadata.ts";
import { LayerTree } from "./layer_tree.ts";
import { removeChildren, removeTree } from "./remove_tree.ts";

export interface PlacesOptions {
  readonly target: string;
  /** `staged` alone, as overlay keeps layers; `applied` onto the parent. */
  readonly how: "staged" | "applied";
  /** Where overlay finds its marks. */
  readonly attributes: "trusted" | "user";
  /**
   * What may be in an entry's way: anything, or nothing else than a directory
   * in that of a directory, and no directory in that of anything else.
   */
  readonly inTheWay: "anything" | "sameKind";
  /** Directories kept open at most. */
  readonly openDirectories: number;
}

/** A name in an open directory. */
export interface Place {
  readonly parent: Fd;
  readonly base: string;
  /** Clean, as the archive has it; links may have led elsewhere. */
  readonly path: string;
}

/** Thrown when only the layers below can tell what an entry means. */
export class NeedsParent extends Error {
  override readonly name = "NeedsParent";
}

const WHITEOUT = { type: "char", mode: 0, major: 0, minor: 0 } as const;
/** `y` */
const OPAQUE_VALUE = new Uint8Array([0x79]);

/**
 * Where entries of a layer go: makes directories that are missing, removes what
 * is in the way, hides what lies below, and remembers what of this hangs on the
 * layers below.
 *
 * What it remembers goes by real paths, because two names may lead through
 * links to one place.
 */
export class LayerPlaces implements Disposable {
  readonly #options: PlacesOptions;
  readonly #tree: LayerTree;
  readonly #implicit = new Set<string>();
  readonly #late = new Set<string>();
  readonly #whiteouts = new Set<string>();
  readonly #opaque = new Set<string>();
  /** What this layer has, which its own opaque marks spare. */
  readonly #unpacked = new Set<string>();
  /** Directories made here, less what was removed again. */
  #inodes = 0;

  constructor(options: PlacesOptions) {
    this.#options = options;
    this.#tree = new LayerTree(options.target, options.openDirectories);
  }

  get root(): Fd {
    return this.#tree.root;
  }

  get inodes(): number {
    return this.#inodes;
  }

  find(path: string): FdOrErrno {
    return this.#tree.find(path);
  }

  /**
   * The place of an entry.
   * @throws {NeedsParent} if its path leads through a link to nowhere
   */
  at(above: string, base: string): Place {
    const parent = this.directory(above);
    const path = above === "" ? base : `${above}/${base}`;
    return { parent, base, path };
  }

  /** The directory at `path`, made if need be. @throws {NeedsParent} */
  directory(path: string): Fd {
    const found = this.#tree.find(path);
    if (found >= 0) return found;
    if (this.#whiteouts.size > 0) this.#replaceWhiteouts(path);
    const links = this.#options.how === "staged" ? "report" : "complete";
    const made = this.#tree.make(path, links, (realPath) => {
      this.#inodes++;
      this.#implicit.add(realPath);
      if (this.#options.how === "applied") this.#unpacked.add(realPath);
    });
    if (made !== undefined) return made;
    throw new NeedsParent(`"${path}" leads through a link to a layer below`);
  }

  /** A directory that this layer hid, but then puts something into, is new. */
  #replaceWhiteouts(path: string): void {
    let above = "";
    for (const base of path.split("/")) {
      const parent = this.#tree.find(above);
      if (parent < 0) return;
      const place = {
        parent,
        base,
        path: above === "" ? base : `${above}/${base}`,
      };
      above = place.path;
      if (!this.isWhiteout(parent, base)) continue;
      this.remove(place);
      const failed = makeDirectory(parent, base, 0o755);
      if (failed !== 0) throw new SysError("make directory", failed, above);
      setModeAt(parent, base, 0o755);
      this.#inodes++;
      return this.hideBelow(place);
    }
  }

  /** Says that this layer has an entry there. */
  remember({ parent, base }: Place): void {
    if (this.#options.how !== "applied") return;
    this.#unpacked.add(this.#real(parent, base));
  }

  /** A directory that has an entry of its own after all. */
  makeExplicit({ parent, base }: Place): void {
    if (this.#implicit.size === 0) return;
    const real = this.#real(parent, base);
    if (this.#implicit.delete(real)) this.#late.add(real);
  }

  /** A whiteout is a file to the kernel, but nothing to an image. */
  isWhiteout(parent: Fd, base: string): boolean {
    return this.#whiteouts.size > 0 &&
      this.#whiteouts.has(this.#real(parent, base));
  }

  #real(parent: Fd, base: string): string {
    const directory = this.#tree.realPath(parent);
    return directory === "" ? base : `${directory}/${base}`;
  }

  /** Makes something of which there may be an older version. */
  replacing(place: Place, make: () => Errno): void {
    let failed = make();
    if (failed === ERRNO.EEXIST) {
      this.remove(place);
      failed = make();
    }
    if (failed !== 0) throw new SysError("make", failed, place.path);
  }

  /** The place's directory stays open; others may be different ones now. */
  remove({ parent, base, path }: Place): void {
    if (this.#options.inTheWay === "sameKind") {
      return removeFile(parent, base, path);
    }
    const what = removeTree(parent, base);
    if (what === "nothing") return;
    const real = this.#real(parent, base);
    if (what === "directory" && this.#wasPassedThrough(real)) {
      throw new NeedsParent(`"${path}" is a directory for a while`);
    }
    for (const set of [this.#implicit, this.#whiteouts, this.#opaque]) {
      if (what === "directory") forgetBelow(set, real);
      else set.delete(real);
    }
    this.#inodes--;
    this.#tree.forget(parent);
  }

  /**
   * Whether an entry went through a directory there that had none: with the
   * layers below in view, it may have led elsewhere, or nowhere.
   */
  #wasPassedThrough(real: string): boolean {
    return this.#options.how === "staged" &&
      [...this.#implicit, ...this.#late].some((path) =>
        path === real || path.startsWith(`${real}/`)
      );
  }

  /** Hides what the layers below have at the place. */
  whiteout(place: Place): void {
    if (this.#options.how === "applied") return this.remove(place);
    const { parent, base } = place;
    this.replacing(place, () => makeNode(parent, base, WHITEOUT));
    this.#whiteouts.add(this.#real(parent, base));
    this.#inodes++;
  }

  /** Hides what the layers below have in the directory. */
  opaque(path: string): void {
    const fd = this.directory(path);
    if (this.#options.how === "staged") {
      // Overlay merges the roots of layers, whatever is written on them.
      const real = this.#tree.realPath(fd);
      if (real === "") {
        throw new NeedsParent("the layer hides all layers below");
      }
      // Of those it hides the ones that are there already.
      if (this.#implicit.values().some((it) => it.startsWith(`${real}/`))) {
        throw new NeedsParent(`"${path}" hides what was passed through`);
      }
      return this.#markOpaque(fd, path);
    }
    const real = this.#tree.realPath(fd);
    const start = real === "" ? "" : `${real}/`;
    removeChildren(fd, (name) => this.#unpacked.has(start + name));
    this.#tree.forget();
  }

  /** What a new directory stands in place of stays hidden. */
  hideBelow({ path }: Place): void {
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

  /** @param root whether the archive has an entry for the root */
  looseEnds(root: "explicit" | "implicit"): LooseEnds {
    return {
      implicitDirectories: [
        ...(root === "implicit" ? [""] : []),
        ...this.#implicit,
      ],
      lateDirectories: [...this.#late],
      whiteouts: [...this.#whiteouts],
      opaqueDirectories: [...this.#opaque],
    };
  }

  [Symbol.dispose](): void {
    this.#tree[Symbol.dispose]();
  }
}

function removeFile(parent: Fd, base: string, path: string): void {
  const failed = removeName(parent, base, "file");
  if (failed === 0 || failed === ERRNO.ENOENT) return;
  if (failed !== ERRNO.EISDIR && failed !== ERRNO.EPERM) {
    throw new SysError("remove", failed, path);
  }
  throw failedPrecondition(
    `cannot overwrite directory "${path}" with non-directory`,
  );
}

/** Drops what lies at `path` or below. */
function forgetBelow(paths: Set<string>, path: string): void {
  for (const known of paths) {
    if (known === path || known.startsWith(`${path}/`)) paths.delete(known);
  }
}
