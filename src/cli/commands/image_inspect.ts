import { inspectImage } from "../../engine/inspect.ts";
import { anyPlatform } from "../../engine/images_platform.ts";
import type { Invocation } from "../command.ts";
import { inspectEach } from "../inspect_each.ts";

/** `coracle image inspect IMAGE...` */
export async function run(inv: Invocation): Promise<number> {
  const services = await inv.services();
  const wanted = anyPlatform(inv.flags.string("platform"));
  return await inspectEach(
    inv,
    (name) => inspectImage(inv.ctx, services, name, wanted),
  );
}
