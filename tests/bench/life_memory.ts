/** What processes hold of the machine's memory. @see proc(5), smaps_rollup */

export interface ProcessMemory {
  /** Only its own. */
  readonly privateMb: number;
  /** And its share of what others have, too. */
  readonly proportionalMb: number;
  readonly residentMb: number;
}

const KB_OF_MB = 1024;

export function meanMemory(pids: readonly number[]): ProcessMemory {
  const each = pids.map((pid) => memoryOf(pid));
  const mean = (pick: (memory: ProcessMemory) => number) =>
    each.reduce((sum, memory) => sum + pick(memory), 0) / each.length;
  return {
    privateMb: mean((memory) => memory.privateMb),
    proportionalMb: mean((memory) => memory.proportionalMb),
    residentMb: mean((memory) => memory.residentMb),
  };
}

function memoryOf(pid: number): ProcessMemory {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  const megabytes = (field: string) => {
    const kb = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1];
    return Number(kb ?? NaN) / KB_OF_MB;
  };
  return {
    privateMb: megabytes("Private_Clean") + megabytes("Private_Dirty"),
    proportionalMb: megabytes("Pss"),
    residentMb: megabytes("Rss"),
  };
}
