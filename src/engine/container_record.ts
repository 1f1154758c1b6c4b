/** What is written of a container that has been made. */

import type { Context } from "../base/context.ts";
import { unlessMissing } from "../base/errors.ts";
import type { TypedValue } from "../core/container.ts";
import { jsonExtension, STATUS_EXTENSION } from "../core/container_settings.ts";
import type { Services } from "../core/services.ts";
import type { TaskStatus } from "../core/task_status.ts";

/** `typeUrl` of a spec in a container's record, as containerd's. */
const SPEC_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Spec";

/**
 * Where a snapshot is mounted, as its spec says it: relative to the bundle, so
 * that a container can be started again wherever its next bundle is.
 */
export const ROOTFS = "rootfs";

export function specValue(spec: string): TypedValue {
  return { typeUrl: SPEC_TYPE, value: new TextEncoder().encode(spec) };
}

/**
 * Writes parts of a container into its record, for those who look at it from
 * outside and for the next start.
 */
export async function recordParts(
  ctx: Context,
  services: Services,
  id: string,
  parts: { readonly spec?: string; readonly status?: TaskStatus },
): Promise<void> {
  const { spec, status } = parts;
  const paths = [
    ...spec === undefined ? [] : ["spec"],
    ...status === undefined ? [] : [`extensions.${STATUS_EXTENSION}`],
  ];
  // It may be over already, and removed.
  await unlessMissing(services.containers.update(ctx, {
    id,
    runtime: { name: "" },
    ...spec === undefined ? {} : { spec: specValue(spec) },
    ...status === undefined ? {} : {
      extensions: {
        [STATUS_EXTENSION]: jsonExtension(STATUS_EXTENSION, status),
      },
    },
  }, paths));
}
