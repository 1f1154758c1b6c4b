import type { Invocation } from "../command.ts";
import { keepAnswer } from "../debug_daemon.ts";

/** `coracle debug heap [-o FILE]` */
export async function run(inv: Invocation): Promise<number> {
  return await keepAnswer(
    inv,
    { ours: "/debug/heap", go: () => "/debug/pprof/heap" },
    { ours: "heapsnapshot", go: "heap.pprof" },
  );
}
