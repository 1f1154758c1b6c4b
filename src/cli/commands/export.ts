/** `coracle export` */

import { failedPrecondition } from "../../base/errors.ts";
import { exportContainer } from "../../engine/export.ts";
import { findContainer } from "../../engine/inspect_find.ts";
import type { Invocation } from "../command.ts";
import { writeWholeFile } from "../whole_file.ts";

/** `coracle export [-o FILE] CONTAINER` */
export async function run(inv: Invocation): Promise<number> {
  const [name = ""] = inv.args;
  const output = inv.flags.string("output") ?? "-";
  if (output === "-" && inv.stdout.isTerminal) {
    throw failedPrecondition("Cannot export to a terminal", {
      hint: "Redirect standard output, or name a file with --output",
    });
  }
  const services = await inv.services();
  const container = await findContainer(inv.ctx, services, name);
  const tar = exportContainer(inv.ctx, services, container);
  if (output === "-") {
    for await (const chunk of tar) inv.stdout.write(chunk);
  } else {
    await writeWholeFile(output, tar);
  }
  return 0;
}
