/**
 * `coracle system reconcile`: opening the store finishes what has ended. Run
 * by a shim when its container has ended for good.
 */

import type { Invocation } from "../command.ts";

export async function run(inv: Invocation): Promise<number> {
  await inv.store();
  return 0;
}
