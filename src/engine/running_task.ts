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

export interface RunningTask {
  readonly task: Task;
  readonly status: ContainerStatus;
  /**
   * Runs what needs the task, which may just be ending.
   * @throws {EngineError} as `runningTask()`
   */
  use<T>(work: (task: Task) => Promise<T>): Promise<T>;
}

/**
 * @param verb for the message: `kill`, `pause`
 * @throws {EngineError} `failedPrecondition` if it is not running
 */
export async function runningTask(
  ctx: Context,
  services: Services,
  container: Container,
  verb: string,
): Promise<RunningTask> {
  const status = await containerStatus(ctx, services, container);
  const ref = { namespace: ctx.namespace, id: container.id };
  const task = isAlive(status)
    ? await services.tasks.find(ctx, ref)
    : undefined;
  if (task === undefined) throw notRunning(container, verb);
  return {
    ...{ task, status },
    async use(work) {
      try {
        return await work(task);
      } catch (error) {
        const isOver = hasCode(error, "notFound") ||
          // Its shim leaves with it, whoever is asking something.
          hasCode(error, "unavailable", "failedPrecondition") &&
            await hasEnded(ctx, services, container);
        if (isOver) throw notRunning(container, verb, error);
        throw error;
      }
    },
  };
}

async function hasEnded(
  ctx: Context,
  services: Services,
  container: Container,
): Promise<boolean> {
  try {
    return !isAlive(await containerStatus(ctx, services, container));
  } catch {
    // Nobody can say: what has failed is told.
    return false;
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
