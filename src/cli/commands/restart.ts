/** `coracle restart` */

import { startContainer } from "../../engine/start.ts";
import { stopContainer } from "../../engine/stop.ts";
import type { Invocation } from "../command.ts";
import { forEachContainer } from "../each_container.ts";
import { stopOptions } from "../stop_options.ts";

/** `coracle restart [-t SECONDS] [-s SIGNAL] CONTAINER...` */
export async function run(inv: Invocation): Promise<number> {
  const options = stopOptions(inv.flags);
  return await forEachContainer(inv, async (deps, container) => {
    await stopContainer(inv.ctx, deps, container, options);
    await startContainer(inv.ctx, deps, container);
  });
}
