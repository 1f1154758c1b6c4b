/** `coracle diff` */

import type { TreeChange } from "../../core/file_tree.ts";
import { containerChanges } from "../../engine/container_diff.ts";
import { findContainer } from "../../engine/inspect_find.ts";
import type { Invocation } from "../command.ts";
import { newId } from "../life_deps.ts";

const LETTER = {
  added: "A",
  changed: "C",
  deleted: "D",
} as const satisfies Record<TreeChange["kind"], string>;

/** `coracle diff CONTAINER` */
export async function run(inv: Invocation): Promise<number> {
  const [name = ""] = inv.args;
  const services = await inv.services();
  const container = await findContainer(inv.ctx, services, name);
  await containerChanges(
    inv.ctx,
    services,
    container,
    newId,
    ({ kind, path }) => inv.stdout.line(`${LETTER[kind]} ${path}`),
  );
  return 0;
}
