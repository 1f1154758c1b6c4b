/** `coracle unpause CONTAINER...` */

import { unpauseContainer } from "../../engine/pause.ts";
import type { Invocation } from "../command.ts";
import { forEachContainer } from "../each_container.ts";

export async function run(inv: Invocation): Promise<number> {
  return await forEachContainer(
    inv,
    ({ services }, container) => unpauseContainer(inv.ctx, services, container),
  );
}
