/** `coracle stop` */

import { stopContainer } from "../../engine/stop.ts";
import type { Invocation } from "../command.ts";
import { forEachContainer } from "../each_container.ts";
import { stopOptions } from "../stop_options.ts";

/** `coracle stop [-t SECONDS] [-s SIGNAL] CONTAINER...` */
export async function run(inv: Invocation): Promise<number> {
  const options = stopOptions(inv.flags);
  return await forEachContainer(
    inv,
    (deps, container) => stopContainer(inv.ctx, deps, container, options),
  );
}
