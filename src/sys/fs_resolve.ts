import { ERRNO } from "./errno.ts";
import {
  closeFd,
  type Fd,
  type FdOrErrno,
  openInRoot,
  openSubdirectory,
  readLink,
} from "./fs.ts";

/** As the kernel's own limit. */
const MAX_LINKS = 40;

/** Opens the directory at a path, confined to a root directory. */
export type OpenConfined = (root: Fd, path: string) => FdOrErrno;

/**
 * `openInRoot` where the kernel has it (Linux 5.6, and no filter of system
 * calls in the way), else the same step by step.
 */
export function confinedOpener(root: Fd): OpenConfined {
  const probe = openInRoot(root, ".");
  if (probe >= 0) closeFd(probe);
  const isMissing = probe === -ERRNO.ENOSYS || probe === -ERRNO.EPERM;
  return isMissing ? openStepwise : openInRoot;
}

/**
 * Opens one component after another without following links, and walks links
 * itself: `..` ends at the root, an absolute link starts there. Right as long
 * as nobody else moves directories meanwhile.
 */
export function openStepwise(root: Fd, path: string): FdOrErrno {
  const opened: Fd[] = [];
  const parts = path.split("/").reverse();
  let links = 0;
  const fail = (code: number): FdOrErrno => {
    opened.forEach(closeFd);
    return -code;
  };
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      const left = opened.pop();
      if (left !== undefined) closeFd(left);
      continue;
    }
    const parent = opened.at(-1) ?? root;
    const fd = openSubdirectory(parent, part, "place");
    if (fd >= 0) {
      opened.push(fd);
      continue;
    }
    const target = fd === -ERRNO.ENOTDIR ? readLink(parent, part) : undefined;
    if (target === undefined) return fail(-fd);
    if (++links > MAX_LINKS) return fail(ERRNO.ELOOP);
    if (target.startsWith("/")) opened.splice(0).forEach(closeFd);
    parts.push(...target.split("/").reverse());
  }
  const result = opened.pop() ?? openSubdirectory(root, ".", "place");
  opened.forEach(closeFd);
  return result;
}
