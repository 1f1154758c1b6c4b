/**
 * Which process a lease belongs to, so that it ends with the process even if
 * that is killed. All is read from /proc.
 *
 * ```
 * holder := boot-id "/" pid-namespace "/" pid "/" start-time-in-ticks
 * ```
 *
 * @see proc(5), /proc/pid/stat, field 22
 */

/** This process, as others can find it. */
export function ownHolder(): string {
  return [...surroundings(), Deno.pid, startTime(Deno.pid)].join("/");
}

/**
 * True only if it is sure that the process has ended: of another boot or
 * another PID namespace nothing is known.
 */
export function hasEnded(holder: string): boolean {
  const [boot, namespace, pid = "", started] = holder.split("/");
  const [ownBoot, ownNamespace] = surroundings();
  if (boot !== ownBoot || namespace !== ownNamespace) return false;
  if (!/^\d+$/.test(pid) || started === undefined) return false;
  return startTime(Number(pid)) !== started;
}

function surroundings(): readonly [boot: string, namespace: string] {
  return [
    Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim(),
    Deno.readLinkSync("/proc/self/ns/pid"),
  ];
}

/** Undefined if there is no such process. */
function startTime(pid: number): string | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The name, in parentheses, may hold anything.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
