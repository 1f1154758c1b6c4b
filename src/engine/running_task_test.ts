import { assertRejects } from "@std/assert";
import { background } from "../base/context.ts";
import { EngineError, unavailable } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import type { Services } from "../core/services.ts";
import type { Task } from "../core/task.ts";
import { NEW_STATUS, type TaskStatus } from "../core/task_status.ts";
import { runningTask } from "./running_task.ts";

const CONTAINER = { id: "c0ffee", labels: {} } as unknown as Container;

/** A task that runs, until whoever asks it finds that its shim has gone. */
function endingTask(after: TaskStatus["state"]): Services {
  let state: TaskStatus["state"] = "running";
  const status = (): TaskStatus => ({ ...NEW_STATUS, state, pid: 1 });
  const task = {
    status: () => Promise.resolve(status()),
    pause() {
      state = after;
      return Promise.reject(unavailable("The server closed the connection"));
    },
  } as unknown as Task;
  return {
    bundles: { find: () => ({ status }) },
    tasks: { find: () => Promise.resolve(task) },
    containers: { get: () => Promise.resolve(CONTAINER) },
  } as unknown as Services;
}

async function pause(services: Services): Promise<void> {
  const ctx = background({ namespace: "default" });
  const running = await runningTask(ctx, services, CONTAINER, "pause");
  await running.use((task) => task.pause(ctx));
}

Deno.test("runningTask() tells of a shim that leaves that its container has ended", async () => {
  await assertRejects(
    () => pause(endingTask("stopped")),
    EngineError,
    "Cannot pause container: c0ffee: container c0ffee is not running",
  );
});

Deno.test("runningTask() tells what failed while the container runs", async () => {
  await assertRejects(
    () => pause(endingTask("running")),
    EngineError,
    "The server closed the connection",
  );
});
