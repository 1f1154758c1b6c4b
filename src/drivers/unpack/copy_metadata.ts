import { SysError } from "../../sys/errno.ts";
import {
  getAttribute,
  listAttributes,
  setAttribute,
} from "../../sys/fs_metadata.ts";

/**
 * Gives one directory the owner, permissions, attributes and time of another,
 * as overlay does when it copies a directory up.
 */
export function copyMetadata(from: string, to: string): void {
  const { uid, gid, mode, mtime, atime } = Deno.lstatSync(from);
  Deno.chownSync(to, uid, gid);
  if (mode !== null) Deno.chmodSync(to, mode & 0o7777);
  for (const name of listAttributes(from)) {
    if (/^(trusted|user)\.overlay\./.test(name)) continue;
    const value = getAttribute(from, name);
    const failed = value === undefined ? 0 : setAttribute(to, name, value);
    if (failed !== 0) {
      throw new SysError(`set attribute ${name} of`, failed, to);
    }
  }
  if (mtime !== null) Deno.utimeSync(to, atime ?? mtime, mtime);
}
