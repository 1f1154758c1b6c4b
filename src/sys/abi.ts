/**
 * The other kinds of programs that an x86-64 kernel may be built to run. They
 * have numbers of their own for system calls, so each makes a seccomp filter
 * longer by half.
 */

import { readFact } from "./facts.ts";
import { coldSymbols } from "./libc.ts";

const callSymbols = coldSymbols({
  syscall: { parameters: ["i64"], result: "i64" },
});

/** x32's getpid: x86-64's number with the bit that marks x32's. */
const X32_GETPID = 0x4000_0000n | 39n;

/** Without a filter of our own. */
const UNFILTERED = /^Seccomp:\s*0$/m;

/** 32-bit programs. If in doubt they are there. */
export function runsI386(): boolean {
  return Deno.build.arch === "x86_64" &&
    readFact("/proc/sys/abi/vsyscall32") !== undefined;
}

/** Programs with 32-bit pointers in 64-bit mode. If in doubt they are there. */
export function runsX32(): boolean {
  if (Deno.build.arch !== "x86_64") return false;
  // A filter might end us for the question.
  const status = readFact("/proc/thread-self/status") ?? "";
  return !UNFILTERED.test(status) || callSymbols().syscall(X32_GETPID) > 0n;
}
