/** Starting containers that share something with others. */

import type { Context } from "../base/context.ts";
import { EngineError } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import { recordedStatus } from "../core/container_settings.ts";
import {
  type AskedSharing,
  SHARED_MEMORY,
  sharedPaths,
} from "../core/shared_paths.ts";
import type { Services } from "../core/services.ts";
import { START_FAILURE, TaskStartError } from "../core/start_failure.ts";
import type { Bundle } from "../core/task.ts";
import { NEW_STATUS } from "../core/task_status.ts";
import type { NamespaceType, SpecMount } from "../oci/runtime_spec.ts";
import { parseSpec, serializeSpec } from "../oci/spec/serialize.ts";
import { recordParts } from "./container_record.ts";

/**
 * Makes what it shares ready, until the bundle is let go of, for one that has
 * been started before: if that fails, its record says why.
 * @throws {TaskStartError} if another container does not run
 */
export async function shareAgain(
  ctx: Context,
  services: Services,
  bundle: Bundle,
  container: Container,
  sharing: AskedSharing,
): Promise<void> {
  const refusal = await tryToShare(ctx, services, bundle, sharing);
  if (refusal === undefined) return;
  const last = recordedStatus(container) ?? NEW_STATUS;
  const status = { ...last, error: refusal.message };
  await recordParts(ctx, services, container.id, { status });
  throw refusal;
}

/**
 * The same for a new container, which is made also if it can't be started.
 * @returns why it can't
 */
export async function tryToShare(
  ctx: Context,
  { tasks }: Pick<Services, "tasks">,
  bundle: Bundle,
  sharing: AskedSharing,
): Promise<TaskStartError | undefined> {
  try {
    await tasks.shareNamespaces(ctx, bundle, sharing);
    return undefined;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { message, hint } = error;
    return new TaskStartError(START_FAILURE.engine, message, {
      cause: error,
      ...hint === undefined ? {} : { hint },
    });
  }
}

/**
 * A spec as the bundle in which it is to be started has it: a client of a daemon
 * makes it in another than the store itself.
 * @param bundle its directory, called alike wherever it is
 */
export function withSharedPaths(
  text: string,
  bundle: string,
  sharing: AskedSharing,
): string {
  const spec = parseSpec(text);
  const { shm, ...joined } = sharedPaths(bundle, sharing);
  const paths: Partial<Record<NamespaceType, string>> = joined;
  const namespaces = spec.linux.namespaces.map((namespace) => {
    const path = paths[namespace.type];
    const isJoined = namespace.path !== undefined && path !== undefined;
    return isJoined ? { ...namespace, path } : namespace;
  });
  const mounts = spec.mounts?.map((mount) =>
    shm !== undefined && isSamePart(mount, shm)
      ? { ...mount, source: shm }
      : mount
  );
  const linux = { ...spec.linux, namespaces };
  return serializeSpec({ ...spec, ...mounts && { mounts }, linux });
}

/** Whether that is mounted which is at `path` in this bundle. */
function isSamePart({ destination, source }: SpecMount, path: string): boolean {
  const inBundles = path.split("/").slice(-3).join("/");
  return destination === SHARED_MEMORY &&
    source?.endsWith(`/${inBundles}`) === true;
}
