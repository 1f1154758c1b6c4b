import { containerName } from "../../engine/inspect_find.ts";
import { shownName } from "../../engine/remove.ts";
import type { Invocation } from "../command.ts";

/** `coracle __complete image|container|volume`: one name a line. */
export async function run(inv: Invocation): Promise<number> {
  const services = await inv.services();
  if (inv.args[0] === "image") {
    for await (const { name } of services.images.list(inv.ctx)) {
      inv.stdout.line(shownName(name));
    }
  } else if (inv.args[0] === "container") {
    for await (const container of services.containers.list(inv.ctx)) {
      inv.stdout.line(containerName(container));
    }
  } else if (inv.args[0] === "volume") {
    const { volumeDeps } = await import("../volume_deps.ts");
    const { volumes } = await volumeDeps(inv);
    for await (const { name } of volumes.list(inv.ctx)) inv.stdout.line(name);
  }
  return 0;
}
