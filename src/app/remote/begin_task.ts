/**
 * From a bundle of this side to a process over there: the daemon has the
 * container's record, which gets the spec, and mounts what the snapshotter says.
 */

import type { Context } from "../../base/context.ts";
import type { Container } from "../../core/container.ts";
import type { Services } from "../../core/services.ts";
import type { StdioAddresses } from "../../core/shim.ts";
import type { Bundle } from "../../core/task.ts";
import type { TaskCreateRequest } from "../../core/task_service.ts";
import { ThroughSocketError } from "../../core/through_socket.ts";
import {
  START_CALLS,
  startFailure,
} from "../../drivers/shim_manager/start_failure.ts";
import { runningStatus } from "../../drivers/shim_manager/status.ts";
import { recordParts } from "../../engine/container_record.ts";
import { containerName } from "../../engine/inspect_find.ts";
import { parseSpec } from "../../oci/spec/serialize.ts";
import { startError } from "../../runtime/start_failure.ts";
import type { StorePaths } from "../paths.ts";
import { createTask } from "./create_task.ts";
import { type DestroyDeps, destroyTask } from "./destroy_task.ts";
import { LogFailureError } from "./log_failure.ts";
import { explainNoRuntime, shimRuntime } from "./runtimes.ts";
import { explainOtherFiles } from "./same_place.ts";
import type { Sharing } from "./sharing.ts";

export interface BeginDeps extends DestroyDeps {
  readonly services: () => Services;
  readonly now: () => Date;
  /** Of what this side keeps. */
  readonly paths: StorePaths;
}

export interface Beginning {
  readonly stdio: StdioAddresses;
  /** With others; let go of when it has joined them. */
  readonly sharing?: Sharing | undefined;
  /** Called when all is ready but its process. */
  readonly created?: () => Promise<void>;
}

export interface BegunTask {
  /** Number of its process on the host. */
  readonly pid: number;
  /** Of the container. */
  readonly name: string;
}

/**
 * @throws {TaskStartError} having destroyed the task
 */
export async function beginTask(
  ctx: Context,
  deps: BeginDeps,
  bundle: Bundle,
  { stdio, sharing, created }: Beginning,
): Promise<BegunTask> {
  using _sharing = sharing;
  const { tasks, services, now } = deps;
  const { id, snapshotter, snapshotKey } = bundle.record;
  const { mounter, snapshotters } = services();
  // What we had mounted to make the spec: one directory, one overlay.
  await mounter.unmountAll(ctx, bundle.rootfs);
  const spec = await Deno.readTextFile(`${bundle.path}/config.json`);
  await recordParts(ctx, services(), id, { spec });
  const rootfs = await snapshotters.get(snapshotter)
    ?.mounts(ctx, snapshotKey) ?? [];
  try {
    const container = await services().containers.get(ctx, id);
    const request = { ...stdio, id, rootfs, ...runtimeOf(container) };
    const pid = await createTask(ctx, tasks, request);
    await sharing?.check(ctx, pid, parseSpec(spec));
    await created?.();
    await tasks.start(ctx, { id, execId: "" });
    bundle.writeStatus(runningStatus(bundle.status(), pid, now()));
    return { pid, name: containerName(container) };
  } catch (error) {
    await destroyTask(ctx, deps, bundle.record);
    if (error instanceof LogFailureError) throw error;
    const why = await sharing?.explain(ctx, error) ?? error;
    const cause = explainNoRuntime(explainOtherFiles(why, deps.paths));
    if (cause !== error || cause instanceof ThroughSocketError) throw cause;
    throw startFailure(startError, "runc", START_CALLS.container, error);
  }
}

/** As the record says, unless that was written for our store itself. */
function runtimeOf(
  { runtime }: Container,
): Pick<TaskCreateRequest, "runtimePath" | "options"> {
  const { name, options } = shimRuntime(runtime);
  if (name === runtime.name) return { runtimePath: "" };
  return {
    runtimePath: name,
    ...options === undefined ? {} : { options },
  };
}
