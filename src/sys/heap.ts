/** What libc keeps of memory that this process has freed. */

import { coldSymbols } from "./libc.ts";

const heapSymbols = coldSymbols({
  malloc_trim: { parameters: ["usize"], result: "i32" },
});

/** @returns whether anything could be given back to the system */
export function trimHeap(): boolean {
  return heapSymbols().malloc_trim(0n) === 1;
}
