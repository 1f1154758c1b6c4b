import { profileQuestion } from "../../app/observe/ask_either.ts";
import type { Invocation } from "../command.ts";
import { keepAnswer } from "../debug_daemon.ts";

/** `coracle debug profile [--seconds N] [-o FILE]` */
export async function run(inv: Invocation): Promise<number> {
  return await keepAnswer(
    inv,
    profileQuestion(inv.flags.number("seconds") ?? 30),
    { ours: "cpuprofile", go: "cpu.pprof" },
  );
}
