/** Stops a container's processes in the middle of things, and lets them go on. */

import type { Context } from "../base/context.ts";
import { failedPrecondition } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import type { Services } from "../core/services.ts";
import { runningTask } from "./running_task.ts";
import { publishDone } from "./task_events.ts";

/** @throws {EngineError} `failedPrecondition` if it does not run */
export async function pauseContainer(
  ctx: Context,
  services: Services,
  container: Container,
): Promise<void> {
  const running = await runningTask(ctx, services, container, "pause");
  const { status } = running;
  if (status.state !== "running") {
    const why = status.state === "paused" ? "already paused" : status.state;
    throw failedPrecondition(`Container ${container.id} is ${why}`);
  }
  await running.use((task) => task.pause(ctx));
  await publishDone(ctx, services, "paused", { containerId: container.id });
}

/** @throws {EngineError} `failedPrecondition` if it is not paused */
export async function unpauseContainer(
  ctx: Context,
  services: Services,
  container: Container,
): Promise<void> {
  const running = await runningTask(ctx, services, container, "unpause");
  const { status } = running;
  if (status.state !== "paused") {
    throw failedPrecondition(`Container ${container.id} is not paused`);
  }
  await running.use((task) => task.resume(ctx));
  await publishDone(ctx, services, "resumed", { containerId: container.id });
}
