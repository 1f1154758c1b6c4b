/** The volumes of a store. */

import type { VolumeStore } from "../core/volume.ts";
import { createLocalVolumes } from "../drivers/volumes_local/volumes.ts";
import { type StorePaths, volumesPath } from "./paths.ts";

/** They are on this side, also where the store is a daemon's. */
export function openVolumes(paths: StorePaths): VolumeStore {
  return createLocalVolumes(volumesPath(paths));
}
