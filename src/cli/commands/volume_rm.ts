import { hasCode } from "../../base/errors.ts";
import { removeVolume } from "../../engine/volume_remove.ts";
import type { Invocation } from "../command.ts";
import { forEachArgument } from "../each.ts";
import { volumeDeps } from "../volume_deps.ts";

/** `coracle volume rm VOLUME...`; the others go also if one can't. */
export async function run(inv: Invocation): Promise<number> {
  const deps = await volumeDeps(inv);
  const force = inv.flags.boolean("force");
  return await forEachArgument(inv, async (name) => {
    try {
      await removeVolume(inv.ctx, deps, name);
    } catch (error) {
      // What is gone already is what --force wants.
      if (!force || !hasCode(error, "notFound")) throw error;
    }
    inv.stdout.line(name);
  });
}
