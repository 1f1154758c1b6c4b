/** `coracle kill` */

import { signalNumber } from "../../base/signals.ts";
import { killContainer } from "../../engine/kill.ts";
import type { Invocation } from "../command.ts";
import { forEachContainer } from "../each_container.ts";

/** `coracle kill [-s SIGNAL] CONTAINER...` */
export async function run(inv: Invocation): Promise<number> {
  const signal = signalNumber(inv.flags.string("signal") ?? "KILL");
  return await forEachContainer(
    inv,
    (deps, container) => killContainer(inv.ctx, deps, container, signal),
  );
}
