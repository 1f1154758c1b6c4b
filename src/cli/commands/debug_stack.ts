import type { Invocation } from "../command.ts";
import { showAnswer } from "../debug_daemon.ts";

/** `coracle debug stack` */
export async function run(inv: Invocation): Promise<number> {
  return await showAnswer(inv, {
    ours: "/debug/stack",
    go: () => "/debug/pprof/goroutine?debug=2",
  });
}
