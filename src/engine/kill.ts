/** Sends a signal to a container. */

import type { Context } from "../base/context.ts";
import { failedPrecondition } from "../base/errors.ts";
import { SIGNALS } from "../base/signals.ts";
import type { Container } from "../core/container.ts";
import { settingsOf } from "../core/container_settings.ts";
import type { LifeDeps } from "./life_deps.ts";
import { leaveMonitor } from "./leave_monitor.ts";
import { runningTask } from "./running_task.ts";
import { killNow } from "./stop.ts";

/**
 * Whoever kills a container, or sends what asks it to end, does not want it to
 * be started again.
 * @throws {EngineError} `failedPrecondition` if it is not running
 */
export async function killContainer(
  ctx: Context,
  deps: LifeDeps,
  container: Container,
  signal: number,
): Promise<void> {
  const { services } = deps;
  const running = await runningTask(ctx, services, container, "kill");
  const { task, status } = running;
  if (status.state === "restarting") {
    throw failedPrecondition(
      `Cannot kill container: ${container.id}: it is about to be restarted`,
      { hint: "coracle stop ends it for good" },
    );
  }
  if (signal === SIGNALS.SIGKILL) return await killNow(ctx, deps, container);
  if (signal === settingsOf(container)?.stopSignal) {
    await task.retire(ctx);
    await leaveMonitor(ctx, services, container);
  }
  await running.use((task) => task.kill(ctx, signal, "init"));
}
