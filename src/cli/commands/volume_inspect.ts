import type { Invocation } from "../command.ts";
import { inspectEach } from "../inspect_each.ts";
import { volumeDeps } from "../volume_deps.ts";

/** `coracle volume inspect VOLUME...`, in the form of docker's API. */
export async function run(inv: Invocation): Promise<number> {
  const { volumes } = await volumeDeps(inv);
  return await inspectEach(inv, async (text) => {
    const { name, mountpoint, createdAt } = await volumes.get(inv.ctx, text);
    return {
      CreatedAt: createdAt.toISOString(),
      Driver: "local",
      Labels: null,
      Mountpoint: mountpoint,
      Name: name,
      Options: null,
      Scope: "local",
    };
  });
}
