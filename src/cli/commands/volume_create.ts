import { checkVolumeName } from "../../engine/options/mounts.ts";
import type { Invocation } from "../command.ts";
import { newId } from "../life_deps.ts";
import { volumeDeps } from "../volume_deps.ts";

/** `coracle volume create [VOLUME]`; one that is there already is fine. */
export async function run(inv: Invocation): Promise<number> {
  const name = checkVolumeName(inv.args[0] ?? newId());
  const { volumes } = await volumeDeps(inv);
  await volumes.create(inv.ctx, name);
  inv.stdout.line(name);
  return 0;
}
