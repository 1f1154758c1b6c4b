/** `coracle rename CONTAINER NAME` */

import { findContainer } from "../../engine/inspect_find.ts";
import { renameContainer } from "../../engine/rename.ts";
import type { Invocation } from "../command.ts";

export async function run(inv: Invocation): Promise<number> {
  const services = await inv.services();
  const [name = "", to = ""] = inv.args;
  const container = await findContainer(inv.ctx, services, name);
  await renameContainer(inv.ctx, services, container, to);
  return 0;
}
