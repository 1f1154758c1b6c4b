import { EngineError } from "../../base/errors.ts";
import type { TarHeader } from "../../oci/tar/header.ts";
import { ERRNO, SysError } from "../../sys/errno.ts";
import type { Errno, Fd } from "../../sys/fs.ts";
import {
  pathIn,
  setAttribute,
  setAttributeOf,
  setMode,
  setModeAt,
  setOwner,
  setOwnerAt,
  setTime,
  setTimeAt,
} from "../../sys/fs_metadata.ts";

/** Whose files they become: the archive's owners, or all the caller's own. */
export type OwnerPolicy = "keep" | "squash";

export interface MetadataOptions {
  readonly owners: OwnerPolicy;
  /** What files belong to that nobody gave away. */
  readonly uid: number;
  readonly gid: number;
  readonly umask: number;
  /** `fresh`: new files have the ids above; else a directory may decide. */
  readonly ownership: "fresh" | "inherited";
  /** Something that could not be had and does not matter much. */
  note(message: string): void;
}

const SPECIAL_BITS = 0o7000;

/** Gives what was unpacked its owner, permissions, attributes and time. */
export class MetadataSetter {
  readonly #options: MetadataOptions;

  constructor(options: MetadataOptions) {
    this.#options = options;
  }

  /** Of a file or directory that is open for more than its place. */
  setOpen(fd: Fd, header: TarHeader): void {
    // A change of owner takes setuid and capabilities away: they come after.
    if (this.#mustChown(header)) {
      this.#check(
        "change owner of",
        setOwner(fd, header.uid, header.gid),
        header,
      );
    }
    if (this.#mustChmod(header)) {
      this.#check("change mode of", setMode(fd, header.mode), header);
    }
    if (header.xattrs !== undefined) {
      this.#setAttributes(
        header,
        (name, value) => setAttributeOf(fd, name, value),
      );
    }
    this.#check("set time of", setTime(fd, header.mtime), header);
  }

  /** Of a link, device or fifo, which is never opened. */
  setAt(parent: Fd, name: string, header: TarHeader): void {
    if (this.#mustChown(header)) {
      const failed = setOwnerAt(parent, name, header.uid, header.gid);
      this.#check("change owner of", failed, header);
    }
    if (header.type !== "symlink" && this.#mustChmod(header)) {
      const failed = setModeAt(parent, name, header.mode);
      this.#check("change mode of", failed, header);
    }
    if (header.xattrs !== undefined) {
      const path = pathIn(parent, name);
      this.#setAttributes(
        header,
        (name, value) => setAttribute(path, name, value),
      );
    }
    this.#check("set time of", setTimeAt(parent, name, header.mtime), header);
  }

  #mustChown({ uid, gid }: TarHeader): boolean {
    const { owners, ownership, uid: ourUid, gid: ourGid } = this.#options;
    if (owners === "squash") return false;
    return ownership === "inherited" || uid !== ourUid || gid !== ourGid;
  }

  #mustChmod({ type, mode }: TarHeader): boolean {
    return type === "directory" ||
      (mode & (SPECIAL_BITS | this.#options.umask)) !== 0;
  }

  #setAttributes(
    header: TarHeader,
    set: (name: string, value: Uint8Array) => Errno,
  ): void {
    for (const [name, value] of header.xattrs ?? []) {
      // Overlay would take its own marks for gospel, wherever they come from.
      if (/^(trusted|user)\.overlay\./.test(name)) {
        this.#options.note(`"${header.name}": attribute "${name}" is left out`);
        continue;
      }
      const failed = set(name, value);
      if (failed === 0) continue;
      if (!isRefusal(failed)) {
        throw new SysError(`set attribute ${name} of`, failed, header.name);
      }
      this.#options.note(`"${header.name}": attribute "${name}" is refused`);
    }
  }

  #check(action: string, failed: Errno, header: TarHeader): void {
    if (failed === 0) return;
    const error = new SysError(action, failed, header.name);
    if (action !== "change owner of" || failed !== ERRNO.EINVAL) throw error;
    throw new EngineError(
      "failedPrecondition",
      `Cannot give "${header.name}" to ${header.uid}:${header.gid}: ` +
        "this user namespace has no such ids",
      {
        cause: error,
        hint: "Give the user more subordinate ids in /etc/subuid and " +
          "/etc/subgid",
      },
    );
  }
}

/** What kernels and file systems say to attributes they do not want. */
function isRefusal(code: Errno): boolean {
  return code === ERRNO.EOPNOTSUPP || code === ERRNO.EPERM ||
    code === ERRNO.EACCES || code === ERRNO.EINVAL;
}
