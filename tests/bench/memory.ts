/** How much memory processes and all their descendants have resident. */

const INTERVAL_MS = 40;
const PAGE_BYTES = 4096;

export interface MemoryWatch extends Disposable {
  /** Bytes, the most at once. */
  readonly peakBytes: number;
}

/** Adds up whatever descends from `roots`, again and again. */
export function watchMemory(roots: readonly number[]): MemoryWatch {
  let peakBytes = 0;
  const look = () => {
    peakBytes = Math.max(peakBytes, residentBytes(roots));
  };
  const timer = setInterval(look, INTERVAL_MS);
  return {
    get peakBytes() {
      return peakBytes;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function residentBytes(roots: readonly number[]): number {
  const children = new Map<number, number[]>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(Number(name));
    children.set(parent, [...children.get(parent) ?? [], Number(name)]);
  }
  const seen = new Set<number>();
  const queue = [...roots];
  let total = 0;
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    if (seen.has(pid)) continue;
    seen.add(pid);
    total += residentOf(pid);
    queue.push(...children.get(pid) ?? []);
  }
  return total;
}

function parentOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
}

/** Bytes. */
export function residentOf(pid: number): number {
  return Number(read(`/proc/${pid}/statm`).split(" ")[1] ?? 0) * PAGE_BYTES;
}

/** Processes come and go while they are looked at. */
function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
