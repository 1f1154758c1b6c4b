/** Who has a FIFO open to read. @see proc(5), `/proc/PID/fdinfo` */

import { namesIn } from "./names_in.ts";

export interface FifoReader {
  readonly pid: number;
  /** Of the program, at most 15 characters of it. */
  readonly name: string;
}

/** Of `flags`, octal: the access mode, of which 1 is to write only. */
const ACCESS = 0o3;
const WRITE_ONLY = 1;

/** Those that we may look into: all for root, else our own user's. */
export function fifoReaders(path: string): readonly FifoReader[] {
  const { dev, ino } = Deno.statSync(path);
  const name = path.slice(path.lastIndexOf("/"));
  const isIt = (fd: string) => {
    // To look at a file whose server has gone would take for ever.
    if (!unlessGone(() => Deno.readLinkSync(fd))?.endsWith(name)) return false;
    const file = unlessGone(() => Deno.statSync(fd));
    return file !== undefined && file.isFifo && file.dev === dev &&
      file.ino === ino;
  };
  return namesIn("/proc").filter((name) => /^\d+$/.test(name))
    .filter((pid) =>
      (unlessGone(() => namesIn(`/proc/${pid}/fd`)) ?? []).some((fd) =>
        isIt(`/proc/${pid}/fd/${fd}`) && mayRead(`/proc/${pid}/fdinfo/${fd}`)
      )
    )
    .map((pid) => ({ pid: Number(pid), name: programOf(pid) }));
}

function mayRead(fdinfo: string): boolean {
  const text = unlessGone(() => Deno.readTextFileSync(fdinfo)) ?? "";
  const [, flags] = /^flags:\s*([0-7]+)$/m.exec(text) ?? [];
  return flags !== undefined &&
    (Number.parseInt(flags, 8) & ACCESS) !== WRITE_ONLY;
}

function programOf(pid: string): string {
  return unlessGone(() => Deno.readTextFileSync(`/proc/${pid}/comm`))?.trim() ??
    "";
}

/** Undefined of a process that has ended, or is not ours to look into. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
