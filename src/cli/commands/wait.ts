/** `coracle wait CONTAINER...` tells exit codes. */

import { waitForContainer } from "../../engine/wait.ts";
import type { Invocation } from "../command.ts";
import { forEachContainer } from "../each_container.ts";

export async function run(inv: Invocation): Promise<number> {
  return await forEachContainer(
    inv,
    async (deps, container) =>
      String(await waitForContainer(inv.ctx, deps, container)),
  );
}
