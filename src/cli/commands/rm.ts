import { hasCode } from "../../base/errors.ts";
import { removeContainer } from "../../engine/remove_container.ts";
import type { Invocation } from "../command.ts";
import { lifeDeps } from "../life_deps.ts";
import { forEachArgument } from "../each.ts";

/** `coracle rm CONTAINER...`; tells what was typed, as docker does. */
export async function run(inv: Invocation): Promise<number> {
  const deps = await lifeDeps(inv);
  const force = inv.flags.boolean("force");
  return await forEachArgument(inv, async (name) => {
    await removeContainer(inv.ctx, deps, name, {
      running: force ? "kill" : "refuse",
      volumes: inv.flags.boolean("volumes") ? "remove" : "keep",
    });
    inv.stdout.line(name);
  }, {
    tolerate: (error) => force && hasCode(error, "notFound"),
  });
}
