import { inspectContainer } from "../../engine/inspect_container.ts";
import type { Invocation } from "../command.ts";
import { lifeDeps } from "../life_deps.ts";
import { inspectEach, inspectOptions } from "../inspect_each.ts";

/** `coracle container inspect CONTAINER...` */
export async function run(inv: Invocation): Promise<number> {
  const deps = await lifeDeps(inv);
  return await inspectEach(
    inv,
    (name) => inspectContainer(inv.ctx, deps, name, inspectOptions(inv)),
  );
}
