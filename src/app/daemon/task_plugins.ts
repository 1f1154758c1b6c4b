/** Tasks, and the socket at which their shims tell what happens. */

import { tasksService } from "../../api/server/tasks.ts";
import { formatPlatform, hostPlatform } from "../../base/platform.ts";
import type { TaskService } from "../../core/task_service.ts";
import type { GrpcService } from "../../rpc/grpc/service.ts";
import { EVENTS, METADATA } from "./core_plugins.ts";
import { openTasks } from "./open_tasks.ts";
import { type Plugin, plugin, type PluginKey } from "./plugin.ts";

export const TASK_SERVICE: PluginKey<TaskService> = {
  type: "io.containerd.runtime.v2",
  id: "task",
};

const TASKS_GRPC: PluginKey<readonly GrpcService[]> = {
  type: "io.containerd.grpc.v1",
  id: "tasks",
};

/** Schemes of addresses that standard streams can have. */
const STREAM_SCHEMES = "fifo,binary,file";

export const taskPlugins: readonly Plugin[] = [
  plugin(TASK_SERVICE, [METADATA, EVENTS], async (host) => {
    host.describe({
      platforms: [formatPlatform(hostPlatform(Deno.build))],
      exports: { "log-uri-schemes": STREAM_SCHEMES },
    });
    return await openTasks(host);
  }),
  plugin(TASKS_GRPC, [TASK_SERVICE], (host) => [
    tasksService({ tasks: host.get(TASK_SERVICE), log: host.log }),
  ]),
];
