/** From an invocation to what the use cases on volumes need. */

import { openVolumes } from "../app/volumes.ts";
import type { VolumeUseDeps } from "../engine/volume_use.ts";
import type { Invocation } from "./command.ts";

export async function volumeDeps(inv: Invocation): Promise<VolumeUseDeps> {
  const { services, paths } = await inv.store();
  return { services, volumes: openVolumes(paths) };
}

/** Docker's `GET /volumes/{name}`; labels and options there are none. */
export interface VolumeInspection {
  readonly CreatedAt: string;
  readonly Driver: "local";
  readonly Labels: null;
  readonly Mountpoint: string;
  readonly Name: string;
  readonly Options: null;
  readonly Scope: "local";
}

/** @throws {EngineError} `notFound` */
export async function inspectVolume(
  inv: Invocation,
  text: string,
): Promise<VolumeInspection> {
  const { volumes } = await volumeDeps(inv);
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
}
