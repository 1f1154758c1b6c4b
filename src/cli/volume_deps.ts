/** From an invocation to what the use cases on volumes need. */

import { openVolumes } from "../app/volumes.ts";
import type { VolumeUseDeps } from "../engine/volume_use.ts";
import type { Invocation } from "./command.ts";

export async function volumeDeps(inv: Invocation): Promise<VolumeUseDeps> {
  const { services, paths } = await inv.store();
  return { services, volumes: openVolumes(paths) };
}
