import type { Invocation } from "../command.ts";
import { inspectEach } from "../inspect_each.ts";
import { inspectVolume } from "../volume_deps.ts";

/** `coracle volume inspect VOLUME...` */
export async function run(inv: Invocation): Promise<number> {
  return await inspectEach(inv, (name) => inspectVolume(inv, name));
}
