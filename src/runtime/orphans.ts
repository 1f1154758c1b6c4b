/** Runtimes that outlived the process that had started them. */

import { sendSignal } from "../sys/process.ts";
import { SIGNALS } from "../sys/signals.ts";

const PAUSE_MS = 5;
/** The kernel may take its time to end a process that does I/O. */
const MOST_PAUSES = 1000;

/**
 * Kills every runtime that has `bundle` among its arguments, and waits until
 * none of them can do any more.
 */
export async function killRuntimesOf(bundle: string): Promise<void> {
  for (let pauses = 0; pauses < MOST_PAUSES; pauses++) {
    const pids = runtimesOf(bundle);
    if (pids.length === 0) return;
    for (const pid of pids) sendSignal(pid, SIGNALS.SIGKILL);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** A dead process, reaped or not, has no arguments any more. */
function runtimesOf(bundle: string): readonly number[] {
  return [...Deno.readDirSync("/proc")]
    .map(({ name }) => Number(name))
    .filter((pid) => Number.isInteger(pid) && pid !== Deno.pid)
    .filter((pid) => isRuntime(argumentsOf(pid), bundle));
}

function isRuntime(args: readonly string[], bundle: string): boolean {
  return args.includes(bundle) && !isKeeper(args);
}

/**
 * Of our own program: one that keeps a command's container, or its log. They
 * have let go of it, and still show the rest to those who are attached.
 */
function isKeeper(args: readonly string[]): boolean {
  return args.includes("shim-log") ||
    args.some((word, at) => word === "shim" && args[at + 1] === "keep");
}

function argumentsOf(pid: number): readonly string[] {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
  } catch {
    // It has gone.
    return [];
  }
}
