/** Telling processes apart, whose numbers the kernel uses again. */

import { SysError } from "./errno.ts";
import { coldSymbols, errno } from "./libc.ts";

const pidfdSymbols = coldSymbols({
  syscall: {
    parameters: ["i64", "i64", "i64", "i64", "i64"],
    result: "i64",
  },
});

/** The same numbers on every architecture. */
const SYS = { pidfdSendSignal: 424n, pidfdOpen: 434n } as const;

/**
 * A descriptor that means this very process, and is readable when that has
 * ended. It closes on exec.
 * @throws {SysError} ESRCH
 */
export function openPidfd(pid: number): number {
  const fd = Number(
    pidfdSymbols().syscall(SYS.pidfdOpen, BigInt(pid), 0n, 0n, 0n),
  );
  if (fd < 0) throw new SysError("open process", errno(), `${pid}`);
  return fd;
}

/** @throws {SysError} ESRCH if it has ended */
export function signalPidfd(pidfd: number, signal: number): void {
  const result = pidfdSymbols()
    .syscall(SYS.pidfdSendSignal, BigInt(pidfd), BigInt(signal), 0n, 0n);
  if (result !== 0n) throw new SysError("signal", errno(), `pidfd ${pidfd}`);
}

/** Fields of `/proc/PID/stat` are counted from 1. @see proc(5) */
const FIELD = { state: 3, parent: 4, startTime: 22 } as const;

/**
 * When a process started, in clock ticks since boot: with its number it means
 * one process only. Undefined if there is none, or only what is left for its
 * parent to see.
 */
export function processStartTime(pid: number): number | undefined {
  const fields = statFields(pid);
  if (fields === undefined) return undefined;
  const state = fields[FIELD.state - FIELD.state] ?? "X";
  if (state === "Z" || state === "X") return undefined;
  return Number(fields[FIELD.startTime - FIELD.state]);
}

/** Undefined if there is no such process. */
export function parentOf(pid: number): number | undefined {
  const parent = statFields(pid)?.[FIELD.parent - FIELD.state];
  return parent === undefined ? undefined : Number(parent);
}

/** From the third field on: the second, a name, may contain anything. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}
