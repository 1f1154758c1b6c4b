/** Tasks, and the socket at which their shims tell what happens. */

import type { Context } from "../../base/context.ts";
import { formatPlatform, hostPlatform } from "../../base/platform.ts";
import type { TypedValue } from "../../core/container.ts";
import type { TaskService } from "../../core/task_service.ts";
import { EVENTS, METADATA } from "./core_plugins.ts";
import { openTasks } from "./open_tasks.ts";
import { ownRuntimes } from "./own_runtimes.ts";
import {
  type Plugin,
  plugin,
  type PluginHost,
  type PluginKey,
} from "./plugin.ts";
import { served } from "./served.ts";

export const TASK_SERVICE: PluginKey<TaskService> = {
  type: "io.containerd.runtime.v2",
  id: "task",
};

/** Schemes of addresses that standard streams can have. */
const STREAM_SCHEMES = "fifo,binary,file";

export const taskPlugins: readonly Plugin[] = [
  plugin(TASK_SERVICE, [METADATA, EVENTS], async (host) => {
    host.describe({
      platforms: [formatPlatform(hostPlatform(Deno.build))],
      exports: { "log-uri-schemes": STREAM_SCHEMES },
      inform: (ctx, asked) => inform(host, ctx, asked),
    });
    return await openTasks(host);
  }),
  served("tasks", {
    name: "containerd.services.tasks.v1.Tasks",
    requires: [TASK_SERVICE],
    async load(host) {
      const { tasksService } = await import("../../api/server/tasks.ts");
      return tasksService({ tasks: host.get(TASK_SERVICE), log: host.log });
    },
  }),
];

async function inform(
  host: PluginHost,
  ctx: Context,
  asked: TypedValue,
): Promise<TypedValue> {
  const { runtimeInfo } = await import("./runtime_info.ts");
  const own = ownRuntimes(host);
  const isOurs = (runtime: string) => own.has(runtime);
  return await runtimeInfo(ctx, { host: host.services.host, isOurs }, asked);
}
