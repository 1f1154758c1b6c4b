import type { Invocation } from "../command.ts";
import { keepAnswer } from "../debug_daemon.ts";

/** `coracle debug heap [-o FILE]` */
export async function run(inv: Invocation): Promise<number> {
  return await keepAnswer(inv, "/debug/heap", "heapsnapshot");
}
