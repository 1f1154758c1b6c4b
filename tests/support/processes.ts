/** Processes of the host, as tests look for them. */

/** Those that have `text` in their command line, but not this one. */
export function processesWith(text: string): readonly number[] {
  return allProcesses().filter((pid) => argumentsOf(pid).includes(text));
}

/** Those in a control group with `text` in its path that have not ended. */
export function processesInGroup(text: string): readonly number[] {
  return allProcesses().filter((pid) =>
    readText(`/proc/${pid}/cgroup`).includes(text) && isAlive(pid)
  );
}

/** Not by its arguments: while a program takes another's place it has none. */
function isAlive(pid: number): boolean {
  return /^State:\t[^ZX]/m.test(readText(`/proc/${pid}/status`));
}

/** Arguments, joined by spaces; empty of one that has ended. */
export function argumentsOf(pid: number): string {
  return readText(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
}

/**
 * Sends SIGKILL to those that are still there. @returns how many were
 * @throws {RangeError} for 0, which would be this process and its parents
 */
export function killAll(pids: readonly number[]): number {
  let count = 0;
  for (const pid of pids) {
    if (pid < 2) throw new RangeError(`Cannot kill process ${pid}`);
    try {
      Deno.kill(pid, "SIGKILL");
      count++;
    } catch {
      // It has ended.
    }
  }
  return count;
}

/** Asks until it is so, or says what did not become so. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  seconds = 20,
): Promise<void> {
  for (let waited = 0; waited < seconds * 1000; waited += 20) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`It did not become so: ${what}`);
}

function allProcesses(): readonly number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name))
    .filter((pid) => Number.isInteger(pid) && pid !== Deno.pid);
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
