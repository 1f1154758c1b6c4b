import { ERRNO, SysError } from "../../sys/errno.ts";
import { type Fd, removeName } from "../../sys/fs.ts";
import { descriptorPath } from "../../sys/fs_metadata.ts";

/**
 * Removes `name` in `parent` and all below it; nothing there is no error.
 * Links are removed, never followed.
 *
 * @returns what it was
 * @throws {SysError}
 */
export function removeTree(
  parent: Fd,
  name: string,
): "nothing" | "directory" | "other" {
  const failed = removeName(parent, name, "file");
  if (failed === 0) return "other";
  if (failed === ERRNO.ENOENT) return "nothing";
  // Linux says EISDIR; POSIX allows EPERM.
  if (failed !== ERRNO.EISDIR && failed !== ERRNO.EPERM) {
    throw new SysError("remove", failed, name);
  }
  const left = removeName(parent, name, "directory");
  if (left === 0) return "directory";
  if (left !== ERRNO.ENOTEMPTY) throw new SysError("remove", left, name);
  // The standard library goes down by descriptors, not by paths.
  Deno.removeSync(`${descriptorPath(parent)}/${name}`, { recursive: true });
  return "directory";
}

/** Removes what is in the directory, except the names that `keep` wants. */
export function removeChildren(
  directory: Fd,
  keep: (name: string) => boolean,
): void {
  for (const { name } of [...Deno.readDirSync(descriptorPath(directory))]) {
    if (!keep(name)) removeTree(directory, name);
  }
}
