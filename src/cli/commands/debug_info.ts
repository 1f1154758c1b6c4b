import type { Invocation } from "../command.ts";
import { showAnswer } from "../debug_daemon.ts";

/** `coracle debug info` */
export async function run(inv: Invocation): Promise<number> {
  return await showAnswer(inv, {
    ours: "/debug/info",
    go: () => "/debug/vars",
  });
}
