/** The tasks of a daemon. */

import { TasksDefinition } from "../../../proto/gen/containerd/services/tasks/v1/tasks.ts";
import type { Process as WireProcess } from "../../../proto/gen/containerd/v1/types/task.ts";
import type { ProcessRef, ShimProcessState } from "../../core/shim.ts";
import type { TaskService } from "../../core/task_service.ts";
import type { GrpcClient } from "../../rpc/grpc/client.ts";
import { requireAny, toAny } from "../convert/any.ts";
import { fromDescriptor, toDescriptor } from "../convert/descriptor.ts";
import { toMount } from "../convert/mounts.ts";
import { fromExit, fromProcessInfo, fromState } from "../convert/shim_task.ts";
import { answered } from "./answers.ts";
import { grpcOptions as call } from "./grpc_options.ts";

export function remoteTasks(client: GrpcClient): TaskService {
  const tasks = client.stub(TasksDefinition);
  return {
    async create(ctx, { id: containerId, ...request }) {
      const { rootfs, checkpoint, options, ...rest } = request;
      const { pid } = await tasks.create({
        ...rest,
        containerId,
        rootfs: rootfs.map(toMount),
        checkpoint: checkpoint && toDescriptor(checkpoint),
        options: toAny(options),
        ...{ taskApiAddress: "", taskApiVersion: 0 },
      }, call(ctx));
      return pid;
    },
    async start(ctx, process) {
      const { pid } = await tasks.start(wireRef(process), call(ctx));
      return pid;
    },
    async delete(ctx, process) {
      const { id, pid, ...exit } = process.execId === ""
        ? await tasks.delete({ containerId: process.id }, call(ctx))
        : await tasks.deleteProcess(wireRef(process), call(ctx));
      return { id, pid, exit: fromExit(exit) };
    },
    async get(ctx, process) {
      const answer = await tasks.get(wireRef(process), call(ctx));
      return fromProcess(answered(answer.process, "process"), process);
    },
    async *list(ctx) {
      const { tasks: found } = await tasks.list({ filter: "" }, call(ctx));
      // Containerd 1.6 leaves the container's id out here.
      for (const it of found) yield fromProcess(it, { id: it.id, execId: "" });
    },
    async kill(ctx, { signal, scope, ...process }) {
      const all = scope === "all";
      await tasks.kill({ ...wireRef(process), signal, all }, call(ctx));
    },
    async exec(ctx, { id: _id, execId: _execId, spec, ...stdio }) {
      const process = wireRef({ id: _id, execId: _execId });
      await tasks.exec({ ...process, ...stdio, spec: toAny(spec) }, call(ctx));
    },
    async resizePty(ctx, { columns: width, rows: height, ...process }) {
      await tasks.resizePty({ ...wireRef(process), width, height }, call(ctx));
    },
    async closeStdin(ctx, process) {
      await tasks.closeIO({ ...wireRef(process), stdin: true }, call(ctx));
    },
    async pause(ctx, containerId) {
      await tasks.pause({ containerId }, call(ctx));
    },
    async resume(ctx, containerId) {
      await tasks.resume({ containerId }, call(ctx));
    },
    async pids(ctx, containerId) {
      const { processes } = await tasks.listPids({ containerId }, call(ctx));
      return processes.map(fromProcessInfo);
    },
    async checkpoint(ctx, { id, parent, options }) {
      const { descriptors } = await tasks.checkpoint({
        containerId: id,
        parentCheckpoint: parent,
        options: toAny(options),
      }, call(ctx));
      return descriptors.map(fromDescriptor);
    },
    async update(ctx, { id, resources, annotations }) {
      await tasks.update({
        containerId: id,
        resources: toAny(resources),
        annotations: { ...annotations },
      }, call(ctx));
    },
    async *metrics(ctx, filters = []) {
      const { metrics } = await tasks
        .metrics({ filters: [...filters] }, call(ctx));
      for (const { id, timestamp, data } of metrics) {
        const at = timestamp ?? new Date(0);
        yield { id, at, data: requireAny(data, "figures") };
      }
    },
    wait: async (ctx, process) =>
      fromExit(await tasks.wait(wireRef(process), call(ctx))),
  };
}

function wireRef({ id, execId }: ProcessRef) {
  return { containerId: id, execId };
}

function fromProcess(
  { containerId: _containerId, ...process }: WireProcess,
  ref: ProcessRef,
): ShimProcessState {
  return fromState({ ...process, ...ref, bundle: "" });
}
