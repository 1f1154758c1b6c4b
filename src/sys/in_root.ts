/**
 * Looking into a root file system from outside, as a process in it would see
 * it: the kernel keeps symbolic links and `..` from leading out.
 */

import { ERRNO, SysError } from "./errno.ts";
import { closeFd, openDirectoryFd } from "./descriptors.ts";
import { type Fd, makeDirectory } from "./fs.ts";
import { coldSymbols, cstr, errno } from "./libc.ts";

const symbols = coldSymbols({
  openat2: {
    name: "syscall",
    parameters: ["i64", "i32", "buffer", "buffer", "usize"],
    result: "i64",
  },
});

const SYS_OPENAT2 = 437n;
const O_PATH_CLOEXEC = 0o12000000n;
const RESOLVE_IN_ROOT = 0x10n;
const RESOLVE_NO_MAGICLINKS = 0x02n;

/** `struct open_how`: flags, mode, resolve. */
const HOW = new BigUint64Array([
  O_PATH_CLOEXEC,
  0n,
  RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
]);

/** An open path in a root. Disposing closes it. */
export interface PathInRoot extends Disposable {
  readonly fd: Fd;
  /** A path by which this process can reach it. */
  readonly path: string;
}

/** A directory that is taken for the root of paths. Disposing closes it. */
export class Root implements Disposable {
  readonly #fd: Fd;

  /** @throws {SysError} if `path` is no directory */
  constructor(path: string) {
    this.#fd = openDirectoryFd(path);
  }

  /**
   * Finds `path`, following links inside the root.
   * @returns undefined if there is no such thing
   * @throws {SysError}
   */
  find(path: string): PathInRoot | undefined {
    for (;;) {
      const fd = Number(
        symbols().openat2(
          SYS_OPENAT2,
          this.#fd,
          cstr(path),
          HOW,
          BigInt(HOW.byteLength),
        ),
      );
      if (fd >= 0) return opened(fd);
      const code = errno();
      if (code === ERRNO.ENOENT || code === ERRNO.ENOTDIR) return undefined;
      // The kernel asks for another try if something was renamed meanwhile.
      if (code !== ERRNO.EAGAIN) throw new SysError("open", code, path);
    }
  }

  /** Makes the directory `path` with its parents, all with mode 0755. */
  makeDirectories(path: string): void {
    let parent = "/";
    for (const name of path.split("/")) {
      if (name === "" || name === ".") continue;
      const next = `${parent === "/" ? "" : parent}/${name}`;
      using found = this.find(next);
      if (found === undefined) this.#make(parent, name, next);
      parent = next;
    }
  }

  #make(parent: string, name: string, path: string): void {
    using directory = this.find(parent);
    const code = directory === undefined
      ? ERRNO.ENOENT
      : makeDirectory(directory.fd, name, 0o755);
    if (code !== 0) throw new SysError("make directory", code, path);
  }

  [Symbol.dispose](): void {
    closeFd(this.#fd);
  }
}

function opened(fd: Fd): PathInRoot {
  return {
    fd,
    path: `/proc/self/fd/${fd}`,
    [Symbol.dispose]: () => closeFd(fd),
  };
}
