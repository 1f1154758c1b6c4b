/** `coracle system start` */

import { failureLines } from "../failure.ts";
import type { Invocation } from "../command.ts";
import { lifeDeps } from "../life_deps.ts";
import { reviveContainers } from "../../engine/system_start.ts";

/** Tells the names of those that it started. */
export async function run(inv: Invocation): Promise<number> {
  const deps = await lifeDeps(inv);
  const { started, failed } = await reviveContainers(inv.ctx, deps);
  for (const name of started) inv.stdout.line(name);
  const show = inv.global.debug === true ? "details" : "summary";
  for (const { name, error } of failed) {
    inv.stderr.line(`Cannot start container "${name}":`);
    inv.stderr.write(failureLines(error, { show }).join("\n") + "\n");
  }
  return failed.length === 0 ? 0 : 1;
}
