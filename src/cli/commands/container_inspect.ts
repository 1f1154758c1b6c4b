import { inspectContainer } from "../../engine/inspect_container.ts";
import type { Invocation } from "../command.ts";
import { inspectEach } from "../inspect_each.ts";

/** `coracle container inspect CONTAINER...` */
export async function run(inv: Invocation): Promise<number> {
  const services = await inv.services();
  return await inspectEach(
    inv,
    (name) => inspectContainer(inv.ctx, services, name),
  );
}
