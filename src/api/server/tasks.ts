/** Tasks: what runs of containers. */

import { TasksDefinition } from "../../../proto/gen/containerd/services/tasks/v1/tasks.ts";
import type { Logger } from "../../base/log.ts";
import type { TaskService } from "../../core/task_service.ts";
import type { GrpcHandlers } from "../../rpc/grpc/method.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";
import { fromAny, requireAny } from "../convert/any.ts";
import { toDescriptor } from "../convert/descriptor.ts";
import { optional, toExit, toProcessInfo } from "../convert/shim_task.ts";
import {
  fromCreateTask,
  fromExecProcess,
  fromProcess,
  toMetric,
  toProcess,
} from "../convert/tasks.ts";
import { type ApiContext, apiContext } from "./api_context.ts";

export interface TasksServiceDeps {
  readonly tasks: TaskService;
  readonly log: Logger;
}

export function tasksService({ tasks, log }: TasksServiceDeps): GrpcService {
  const ctx = apiContext(log);
  return grpcService(TasksDefinition, {
    ...lifeHandlers(tasks, ctx),
    ...processHandlers(tasks, ctx),
    ...resourceHandlers(tasks, ctx),
  });
}

type TaskHandlers = GrpcHandlers<typeof TasksDefinition>;

function lifeHandlers(
  tasks: TaskService,
  ctx: ApiContext,
): Pick<
  TaskHandlers,
  "create" | "start" | "delete" | "deleteProcess" | "get" | "list" | "wait"
> {
  return {
    create: async (call, request) => ({
      containerId: request.containerId,
      pid: await tasks.create(ctx(call), fromCreateTask(request)),
    }),
    start: async (call, request) => ({
      pid: await tasks.start(ctx(call), fromProcess(request)),
    }),
    async delete(call, { containerId: id }) {
      const process = { id, execId: "" };
      const { pid, exit } = await tasks.delete(ctx(call), process);
      return { id: "", pid, ...toExit(exit) };
    },
    async deleteProcess(call, request) {
      const process = fromProcess(request);
      const { id, pid, exit } = await tasks.delete(ctx(call), process);
      return { id, pid, ...toExit(exit) };
    },
    get: async (call, request) => ({
      process: toProcess(await tasks.get(ctx(call), fromProcess(request))),
    }),
    list: async (call) => ({
      tasks: await Array.fromAsync(tasks.list(ctx(call)), toProcess),
    }),
    wait: async (call, request) =>
      toExit(await tasks.wait(ctx(call), fromProcess(request))),
  };
}

function processHandlers(
  tasks: TaskService,
  ctx: ApiContext,
): Pick<
  TaskHandlers,
  "kill" | "exec" | "resizePty" | "closeIO" | "pause" | "resume"
> {
  return {
    async kill(call, request) {
      const { signal, all } = request;
      const scope = all ? "all" : "process";
      await tasks.kill(ctx(call), { ...fromProcess(request), signal, scope });
      return {};
    },
    async exec(call, request) {
      await tasks.exec(ctx(call), fromExecProcess(request));
      return {};
    },
    async resizePty(call, request) {
      const size = { columns: request.width, rows: request.height };
      await tasks.resizePty(ctx(call), { ...fromProcess(request), ...size });
      return {};
    },
    async closeIO(call, request) {
      if (request.stdin) {
        await tasks.closeStdin(ctx(call), fromProcess(request));
      }
      return {};
    },
    async pause(call, { containerId }) {
      await tasks.pause(ctx(call), containerId);
      return {};
    },
    async resume(call, { containerId }) {
      await tasks.resume(ctx(call), containerId);
      return {};
    },
  };
}

function resourceHandlers(
  tasks: TaskService,
  ctx: ApiContext,
): Pick<TaskHandlers, "listPids" | "checkpoint" | "update" | "metrics"> {
  return {
    async listPids(call, { containerId }) {
      const processes = await tasks.pids(ctx(call), containerId);
      return { processes: processes.map(toProcessInfo) };
    },
    async checkpoint(call, { containerId: id, parentCheckpoint, options }) {
      const descriptors = await tasks.checkpoint(ctx(call), {
        id,
        parent: parentCheckpoint,
        ...optional("options", fromAny(options)),
      });
      return { descriptors: descriptors.map(toDescriptor) };
    },
    async update(call, { containerId: id, resources, annotations }) {
      await tasks.update(ctx(call), {
        id,
        resources: requireAny(resources, "resources"),
        annotations,
      });
      return {};
    },
    metrics: async (call, { filters }) => ({
      metrics: await Array.fromAsync(
        tasks.metrics(ctx(call), filters),
        toMetric,
      ),
    }),
  };
}
