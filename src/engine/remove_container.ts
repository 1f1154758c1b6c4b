/** Removing containers: the record, the writable layer, what it held. */

import type { Context } from "../base/context.ts";
import { failedPrecondition, unlessMissing } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import type { TaskRef } from "../core/task.ts";
import { discardTask } from "./discard_task.ts";
import { containerName, findContainer } from "./inspect_find.ts";
import { isAlive, statusNow } from "./inspect_state.ts";
import { containerDirectory, type LifeDeps } from "./life_deps.ts";
import { removeSnapshot } from "./remove_snapshot.ts";
import { settle } from "./reconcile.ts";
import { killNow } from "./stop.ts";
import { removeAnonymous } from "./volumes.ts";

export interface RemoveContainerOptions {
  /** What if it is running. */
  readonly running: "refuse" | "kill";
  /** Its anonymous volumes. */
  readonly volumes: "keep" | "remove";
}

/**
 * @returns what was removed
 * @throws {EngineError} `notFound`; `failedPrecondition` if it is running
 */
export async function removeContainer(
  ctx: Context,
  deps: LifeDeps,
  text: string,
  { running, volumes }: RemoveContainerOptions,
): Promise<Container> {
  const { services } = deps;
  const container = await findContainer(ctx, services, text);
  const { id } = container;
  const ref = { namespace: ctx.namespace, id };
  const status = await statusNow(ctx, services, container);
  if (isAlive(status) && running === "kill") {
    const isOver = await discardTask(ctx, deps, container);
    if (!isOver) await killNow(ctx, deps, container);
  } else if (isAlive(status)) {
    throw failedPrecondition(
      `Cannot remove container "${containerName(container)}": it is ` +
        status.state,
      { hint: "Stop it first, or use --force" },
    );
  }
  await deleteTask(ctx, deps, ref);
  await removeSnapshot(ctx, services, container);
  const { host } = services;
  host.removeDirectory(containerDirectory(deps, ctx.namespace, id));
  if (volumes === "remove") {
    removeAnonymous(host, `${deps.volumesPath}/${ctx.namespace}`, id);
  }
  // Last of all: who is killed before has it to begin again with.
  await unlessMissing(services.containers.delete(ctx, id));
  return container;
}

/** Of a container that runs no more, whoever has started it. */
async function deleteTask(
  ctx: Context,
  deps: LifeDeps,
  ref: TaskRef,
): Promise<void> {
  const { bundles, tasks } = deps.services;
  const bundle = bundles.find(ctx, ref);
  if (bundle?.record.removal === "byClient") {
    await tasks.destroy(ctx, bundle.record);
  }
  await settle(ctx, deps, ref);
}
