/** The socket of our own shim. */

import { keeperService } from "../api/server/keeper.ts";
import { silentLogger } from "../base/log.ts";
import { serveTtrpc, type TtrpcServer } from "../rpc/ttrpc/server.ts";
import type { ServedService } from "../rpc/ttrpc/service.ts";
import type { KeptDeps } from "../shim/keeper/kept_container.ts";
import type { LocalKeeper } from "../shim/keeper/service.ts";
import { tasksWhenCalled } from "./keeper_tasks.ts";

export function serveKeeper(
  deps: KeptDeps,
  keeper: LocalKeeper,
  listener: Deno.UnixListener,
): TtrpcServer {
  return serveTtrpc(listener, [
    keeperService(keeper, silentLogger),
    ...tasksWhenCalled(() => loadTasks(deps, keeper)),
  ]);
}

async function loadTasks(
  deps: KeptDeps,
  { find, stayUp }: LocalKeeper,
): Promise<readonly ServedService[]> {
  stayUp();
  const { taskServices } = await import("../api/server/shim_task.ts");
  const { createKeptTasks } = await import("../shim/keeper/tasks.ts");
  const { shimCodec } = await import("./shim_codec.ts");
  const { encodeMetrics } = await import("./shim_metrics.ts");
  const tasks = createKeptTasks({
    ...deps,
    find,
    codec: shimCodec,
    metrics: encodeMetrics,
  });
  return taskServices(tasks, silentLogger);
}
