import type { LayerUnpacker, UnpackSession } from "../../core/unpack.ts";
import type { Mounter } from "../../core/mount.ts";
import type { OwnerPolicy } from "./metadata.ts";
import { Session } from "./session.ts";

export interface LayerUnpackerDeps {
  /** Of the bundle or file of `worker.ts`. */
  readonly workerUrl: () => string | URL;
  readonly mounter: Mounter;
  /** Where overlay finds its marks: `user` in a user namespace. */
  readonly attributes: "trusted" | "user";
  /** `squash` where only one id is mapped. */
  readonly owners: OwnerPolicy;
  /** `skip` in a user namespace. */
  readonly devices: "make" | "skip";
  /** Processors to keep busy. */
  readonly processors: number;
}

/** More lanes than these only cost memory. */
const MOST_LANES = 3;
const DOWNLOADS = 6;
const OPEN_DIRECTORIES = 128;

/** Unpacks layers on threads of this process. */
export function createLayerUnpacker(deps: LayerUnpackerDeps): LayerUnpacker {
  const { mounter, attributes, owners, devices, processors } = deps;
  return {
    open: (): UnpackSession =>
      new Session({
        workerUrl: deps.workerUrl(),
        mounter,
        attributes,
        lanes: Math.max(1, Math.min(processors, MOST_LANES)),
        downloads: DOWNLOADS,
        extract: {
          attributes,
          owners,
          devices,
          uid: Deno.uid() ?? 0,
          gid: Deno.gid() ?? 0,
          umask: Deno.umask(),
          names: "layer",
          inTheWay: "anything",
          openDirectories: OPEN_DIRECTORIES,
        },
      }),
  };
}
