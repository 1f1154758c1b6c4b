/** The task of a container that must have one. */

import type { Context } from "../base/context.ts";
import {
  type EngineError,
  failedPrecondition,
  hasCode,
} from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import type { Services } from "../core/services.ts";
import type { Task } from "../core/task.ts";
import { containerName } from "./inspect_find.ts";
import {
  type ContainerStatus,
  containerStatus,
  isAlive,
} from "./inspect_state.ts";

/**
 * @param verb for the message: `kill`, `pause`
 * @throws {EngineError} `failedPrecondition` if it is not running
 */
export async function runningTask(
  ctx: Context,
  services: Services,
  container: Container,
  verb: string,
): Promise<{ readonly task: Task; readonly status: ContainerStatus }> {
  const status = await containerStatus(ctx, services, container);
  const ref = { namespace: ctx.namespace, id: container.id };
  const task = isAlive(status)
    ? await services.tasks.find(ctx, ref)
    : undefined;
  if (task !== undefined) return { task, status };
  throw notRunning(container, verb);
}

/**
 * Runs what needs a task that may just be ending.
 * @throws {EngineError} as `runningTask()`
 */
export async function whileRunning<T>(
  container: Container,
  verb: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!hasCode(error, "notFound")) throw error;
    throw notRunning(container, verb, error);
  }
}

/** @param verb as for `runningTask()` */
export function notRunning(
  container: Container,
  verb: string,
  cause?: unknown,
): EngineError {
  return failedPrecondition(
    `Cannot ${verb} container: ${containerName(container)}: container ` +
      `${container.id} is not running`,
    { cause },
  );
}
