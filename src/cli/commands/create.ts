/** `coracle create` */

import { createContainer } from "../../engine/create.ts";
import { reserveCidFile } from "../cid_file.ts";
import type { Invocation } from "../command.ts";
import { createDeps, createOptions, settledOptions } from "../create_deps.ts";

export async function run(inv: Invocation): Promise<number> {
  const asked = await createOptions(inv);
  const deps = await createDeps(inv);
  const options = await settledOptions(inv, deps, asked);
  // Not before: until the store is open, an ordinary user's command may begin
  // again, and would find the file that it has made itself.
  using cidFile = reserveCidFile(inv.flags.string("cidfile"));
  const id = await createContainer(inv.ctx, deps, options);
  cidFile?.write(id);
  inv.stdout.line(id);
  return 0;
}
