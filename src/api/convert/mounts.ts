/** Mounts between wire and domain. */

import type { Mount as WireMount } from "../../../proto/gen/containerd/types/mount.ts";
import { EngineError } from "../../base/errors.ts";
import type { Mount } from "../../core/mount.ts";

export function toMount({ type, source, options }: Mount): WireMount {
  return { type, source, target: "", options: [...options] };
}

/** @throws {EngineError} `unimplemented` for one below another's mount point */
export function fromMount(
  { type, source, target, options }: WireMount,
): Mount {
  if (target === "" || target === "/") return { type, source, options };
  throw new EngineError(
    "unimplemented",
    `Cannot mount "${source}" at "${target}" below the mount point`,
  );
}
