import { ERRNO, SysError } from "../../sys/errno.ts";
import {
  closeFd,
  type Fd,
  type FdOrErrno,
  makeDirectory,
  openDirectory,
  readLink,
} from "../../sys/fs.ts";
import { confinedOpener, type OpenConfined } from "../../sys/fs_resolve.ts";
import { descriptorPath, setModeAt } from "../../sys/fs_metadata.ts";

const MAX_LINKS = 40;

/**
 * The directories of a layer, opened by path and kept open for a while. The
 * kernel confines every path to the root directory.
 */
export class LayerTree implements Disposable {
  readonly root: Fd;
  readonly #path: string;
  readonly #capacity: number;
  readonly #openConfined: OpenConfined;
  readonly #open = new Map<string, Fd>();
  #lastPath: string | undefined;
  #lastFd: Fd = -1;

  /** @param capacity directories kept open at most */
  constructor(path: string, capacity: number) {
    this.#path = path;
    this.#capacity = capacity;
    this.root = openDirectory(path);
    this.#openConfined = confinedOpener(this.root);
  }

  /** The directory at a clean path; links in it are followed in the root. */
  find(path: string): FdOrErrno {
    if (path === this.#lastPath) return this.#lastFd;
    if (path === "") return this.root;
    let fd = this.#open.get(path);
    if (fd === undefined) {
      fd = this.#openConfined(this.root, path);
      if (fd < 0) return fd;
      this.#keep(path, fd);
    }
    this.#lastPath = path;
    this.#lastFd = fd;
    return fd;
  }

  #keep(path: string, fd: Fd): void {
    if (this.#open.size >= this.#capacity) {
      for (const [oldPath, oldFd] of this.#open) {
        this.#open.delete(oldPath);
        this.#close(oldPath, oldFd);
        break;
      }
    }
    this.#open.set(path, fd);
  }

  #close(path: string, fd: Fd): void {
    if (path === this.#lastPath) this.#lastPath = undefined;
    closeFd(fd);
  }

  /**
   * As `find`, but makes what is missing, mode 0755.
   * @param onMade hears the real path of each directory made
   * @param links what to do with a link to nowhere
   * @returns undefined if a link leads nowhere and that matters
   * @throws {SysError}
   */
  make(
    path: string,
    links: "complete" | "report",
    onMade: (realPath: string) => void,
  ): Fd | undefined {
    return this.#make(path, links, onMade, MAX_LINKS);
  }

  #make(
    path: string,
    links: "complete" | "report",
    onMade: (realPath: string) => void,
    budget: number,
  ): Fd | undefined {
    const found = this.find(path);
    if (found >= 0) return found;
    if (found !== -ERRNO.ENOENT) {
      throw new SysError("open directory", -found, path);
    }
    const slash = path.lastIndexOf("/");
    const above = slash < 0 ? "" : path.slice(0, slash);
    const name = path.slice(slash + 1);
    const parent = this.#make(above, links, onMade, budget);
    if (parent === undefined) return undefined;
    const failed = makeDirectory(parent, name, 0o755);
    if (failed === 0) {
      // Whatever the umask says.
      setModeAt(parent, name, 0o755);
      const realParent = this.realPath(parent);
      onMade(realParent === "" ? name : `${realParent}/${name}`);
      return this.#mustFind(path);
    }
    if (failed !== ERRNO.EEXIST) {
      throw new SysError("make directory", failed, path);
    }
    const target = readLink(parent, name);
    // It may be `..` of something that was missing until now.
    if (target === undefined) return this.#mustFind(path);
    if (budget === 0) throw new SysError("open directory", ERRNO.ELOOP, path);
    if (links === "report") return undefined;
    const start = target.startsWith("/") ? "" : `${this.realPath(parent)}/`;
    this.#make(this.#trim(start + target), links, onMade, budget - 1);
    return this.#mustFind(path);
  }

  #trim(path: string): string {
    return path.replace(/^\/+/, "").replace(/\/+$/, "");
  }

  #mustFind(path: string): Fd {
    const fd = this.find(path);
    if (fd < 0) throw new SysError("open directory", -fd, path);
    return fd;
  }

  /** Where an open directory really lies, relative to the root. */
  realPath(fd: Fd): string {
    if (fd === this.root) return "";
    const path = pathOf(fd);
    const root = pathOf(this.root);
    if (path === root) return "";
    return path.slice(root === "/" ? 1 : root.length + 1);
  }

  /**
   * Call it when a directory or a link went: paths may now lead elsewhere.
   * @param held stays open
   */
  forget(held: Fd = this.root): void {
    for (const [path, fd] of this.#open) {
      if (fd === held) continue;
      this.#open.delete(path);
      closeFd(fd);
    }
    if (this.#lastFd !== held) this.#lastPath = undefined;
  }

  [Symbol.dispose](): void {
    this.forget();
    closeFd(this.root);
  }

  toString(): string {
    return this.#path;
  }
}

/** Whatever bytes its names are of, which Deno's own call would refuse. */
function pathOf(fd: Fd): string {
  // The link has an absolute path: what it would be relative to is no matter.
  const path = readLink(fd, descriptorPath(fd));
  if (path === undefined) throw new SysError("find", ERRNO.ENOENT, `${fd}`);
  return path;
}
