/** `coracle unpause CONTAINER...` */

import { unpauseContainer } from "../../engine/pause.ts";
import type { Invocation } from "../command.ts";
import { forEachContainer } from "../each_container.ts";

export async function run(inv: Invocation): Promise<number> {
  // Or it would already run whose pause was to end with a killed command.
  await inv.store({ leftovers: "later" });
  return await forEachContainer(
    inv,
    ({ services }, container) => unpauseContainer(inv.ctx, services, container),
  );
}
