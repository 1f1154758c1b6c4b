import { anyPlatform } from "../../engine/images_platform.ts";
import { tagImage } from "../../engine/tag.ts";
import type { Invocation } from "../command.ts";

/** `coracle tag SOURCE TARGET` */
export async function run(inv: Invocation): Promise<number> {
  const [source = "", target = ""] = inv.args;
  const services = await inv.services();
  await tagImage(inv.ctx, services, source, target, anyPlatform());
  return 0;
}
