import { hasCode } from "../../base/errors.ts";
import { removeContainer } from "../../engine/remove_container.ts";
import { volumesPath } from "../../app/paths.ts";
import type { Invocation } from "../command.ts";
import { forEachArgument } from "../each.ts";

/** `coracle rm CONTAINER...`; tells what was typed, as docker does. */
export async function run(inv: Invocation): Promise<number> {
  const { services, paths } = await inv.store();
  const force = inv.flags.boolean("force");
  return await forEachArgument(inv, async (name) => {
    await removeContainer(inv.ctx, services, name, {
      running: force ? "kill" : "refuse",
      volumes: inv.flags.boolean("volumes")
        ? { kind: "remove", path: volumesPath(paths) }
        : { kind: "keep" },
    });
    inv.stdout.line(name);
  }, {
    tolerate: (error) => force && hasCode(error, "notFound"),
  });
}
