/**
 * `coracle system restart-ended ID`: started when a container has ended that
 * the daemon's own monitor does not know how to restart.
 */

import { restartAlone } from "../../app/remote/restarter.ts";
import type { Invocation } from "../command.ts";
import { lifeDeps } from "../life_deps.ts";

export async function run(inv: Invocation): Promise<number> {
  const [id = ""] = inv.args;
  // Who finishes what has ended starts us.
  const deps = await lifeDeps(inv, { leftovers: "later", ifAbsent: "fail" });
  await restartAlone(inv.ctx, deps, id);
  return 0;
}
