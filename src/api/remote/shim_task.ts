/** Any shim's task service, over its ttrpc socket. */

import { TaskDefinition } from "../../../proto/gen/containerd/task/v2/shim.ts";
import type { ShimService } from "../../core/shim.ts";
import type { TtrpcClient } from "../../rpc/ttrpc/client.ts";
import { requireAny, toAny } from "../convert/any.ts";
import {
  fromExit,
  fromProcessInfo,
  fromState,
  processRef,
  toCreate,
} from "../convert/shim_task.ts";
import { callOptions } from "./call_options.ts";

/** @param version of the task API that the shim has said to speak */
export function remoteShim(client: TtrpcClient, version: 2 | 3): ShimService {
  const task = client.stub(TaskDefinition, `containerd.task.v${version}.Task`);
  const call = callOptions;
  return {
    async create(ctx, request) {
      const { pid } = await task.create(toCreate(request), call(ctx));
      return pid;
    },
    async start(ctx, process) {
      const { pid } = await task.start(processRef(process), call(ctx));
      return pid;
    },
    async delete(ctx, process) {
      const deleted = await task.delete(processRef(process), call(ctx));
      return { pid: deleted.pid, exit: fromExit(deleted) };
    },
    async pids(ctx, id) {
      const { processes } = await task.pids({ id }, call(ctx));
      return processes.map(fromProcessInfo);
    },
    async pause(ctx, id) {
      await task.pause({ id }, call(ctx));
    },
    async resume(ctx, id) {
      await task.resume({ id }, call(ctx));
    },
    async checkpoint(ctx, { id, path, options }) {
      await task.checkpoint({ id, path, options: toAny(options) }, call(ctx));
    },
    async kill(ctx, { id, execId, signal, scope }) {
      const all = scope === "all";
      await task.kill({ id, execId, signal, all }, call(ctx));
    },
    async exec(ctx, { spec, ...request }) {
      await task.exec({ ...request, spec: toAny(spec) }, call(ctx));
    },
    async resizePty(ctx, { id, execId, columns: width, rows: height }) {
      await task.resizePty({ id, execId, width, height }, call(ctx));
    },
    async closeStdin(ctx, process) {
      await task.closeIO({ ...processRef(process), stdin: true }, call(ctx));
    },
    async update(ctx, { id, resources, annotations }) {
      await task.update(
        { id, resources: toAny(resources), annotations: { ...annotations } },
        call(ctx),
      );
    },
    wait: async (ctx, process) =>
      fromExit(await task.wait(processRef(process), call(ctx))),
    state: async (ctx, process) =>
      fromState(await task.state(processRef(process), call(ctx))),
    async stats(ctx, id) {
      const { stats } = await task.stats({ id }, call(ctx));
      return requireAny(stats, "figures");
    },
    connect: async (ctx, id) => await task.connect({ id }, call(ctx)),
    async shutdown(ctx, { id, when }) {
      await task.shutdown({ id, now: when === "now" }, call(ctx));
    },
  };
}
