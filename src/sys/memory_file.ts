/** Files without a name, in memory. @see memfd_create(2) */

import { closeFd, writeSome } from "./descriptors.ts";
import { ERRNO, SysError } from "./errno.ts";
import { coldSymbols, cstr, errno } from "./libc.ts";

const memorySymbols = coldSymbols({
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
});

const MFD_CLOEXEC = 1;
/** From Linux 6.3 on, which wants to be told. */
const MFD_NOEXEC_SEAL = 8;
const MFD_EXEC = 16;

/**
 * @param name shown to those who look at a process's files
 * @returns a descriptor, closed on exec
 */
export function makeMemoryFile(
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
  use: "data" | "program",
): number {
  const fd = create(name, use === "data" ? MFD_NOEXEC_SEAL : MFD_EXEC);
  try {
    for (let at = 0; at < bytes.length;) {
      const count = writeSome(fd, bytes.subarray(at));
      if (typeof count !== "number") throw new SysError("write", 0, name);
      at += count;
    }
    return fd;
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

function create(name: string, use: number): number {
  for (const flags of [MFD_CLOEXEC | use, MFD_CLOEXEC]) {
    const fd = memorySymbols().memfd_create(cstr(name), flags);
    if (fd >= 0) return fd;
    const code = errno();
    if (code !== ERRNO.EINVAL) throw new SysError("make", code, name);
  }
  throw new SysError("make", ERRNO.EINVAL, name);
}
