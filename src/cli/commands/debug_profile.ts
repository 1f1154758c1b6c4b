import type { Invocation } from "../command.ts";
import { keepAnswer } from "../debug_daemon.ts";

/** `coracle debug profile [--seconds N] [-o FILE]` */
export async function run(inv: Invocation): Promise<number> {
  const seconds = inv.flags.number("seconds") ?? 30;
  const target = `/debug/profile?seconds=${seconds}`;
  return await keepAnswer(inv, target, "cpuprofile");
}
