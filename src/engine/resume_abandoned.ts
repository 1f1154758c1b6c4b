/** Lets containers go on whose pause was to end with a command that has gone. */

import type { Context } from "../base/context.ts";
import { hasCode } from "../base/errors.ts";
import type { PauseStore } from "../core/pauses.ts";
import type { Services } from "../core/services.ts";
import type { TaskRef } from "../core/task.ts";
import { containerName } from "./inspect_find.ts";
import { unpauseContainer } from "./pause.ts";

/** What can't be done is logged, and left for the next time. */
export async function resumeAbandoned(
  ctx: Context,
  services: Services,
  pauses: PauseStore,
): Promise<void> {
  for (const pause of pauses.abandoned()) {
    const { task } = pause;
    try {
      await resume({ ...ctx, namespace: task.namespace }, services, task);
      pause[Symbol.dispose]();
    } catch (error) {
      ctx.log.warn("Cannot let a paused container go on", {
        id: task.id,
        error,
      });
    }
  }
}

async function resume(
  ctx: Context,
  services: Services,
  { id }: TaskRef,
): Promise<void> {
  try {
    const container = await services.containers.get(ctx, id);
    await unpauseContainer(ctx, services, container);
    ctx.log.warn(
      `Container "${containerName(container)}" goes on, because the command ` +
        "that had paused it was killed",
      { id },
    );
  } catch (error) {
    // It has gone, or has ended, or somebody else was faster.
    if (!hasCode(error, "notFound", "failedPrecondition")) throw error;
  }
}
