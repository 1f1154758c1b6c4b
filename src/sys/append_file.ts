/** Files that several processes write to, one line after the other. */

import { SysError } from "./errno.ts";
import { coldSymbols, cstr, errno } from "./libc.ts";

const openSymbols = coldSymbols({
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
});

const O_WRONLY = 1;
const O_CREAT = 0o100;
const O_APPEND = 0o2000;
const O_CLOEXEC = 0o2000000;

/**
 * Opens a file to write behind what is there; makes it if it is missing.
 * @returns a descriptor to be closed with `closeFd`
 */
export function openToAppend(path: string, mode: number): number {
  const flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  const fd = openSymbols().open(cstr(path), flags, mode);
  if (fd < 0) throw new SysError("open", errno(), path);
  return fd;
}
