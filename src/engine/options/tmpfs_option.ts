/** Options of a tmpfs. */

import { invalidArgument } from "../../base/errors.ts";
import { parseBytes } from "../../base/units.ts";

/** What tmpfs(5) and mount(8) know, as docker allows it. */
const TMPFS_OPTION = new RegExp(
  "^(?:defaults|r[ow]|(?:no)?(?:suid|dev|exec|mand|atime|diratime|relatime|" +
    "strictatime)|a?sync|dirsync|remount|r?(?:bind|private|shared|slave|" +
    "unbindable)|(?:size|mode|uid|gid|nr_inodes|nr_blocks|mpol)=.+)$",
);

/**
 * One of `--tmpfs`.
 * @returns as the kernel takes it
 * @throws {EngineError} `invalidArgument`, in docker's words
 */
export function parseTmpfsOption(word: string): string {
  if (!TMPFS_OPTION.test(word)) {
    throw invalidArgument(`invalid tmpfs option ["${word}"]`, {
      hint: "Write options of tmpfs(5), for instance size=64m,mode=1777",
    });
  }
  const size = /^size=(?!\d+%$)(.*)$/.exec(word)?.[1];
  return size === undefined ? word : `size=${parseBytes("tmpfs size", size)}`;
}
