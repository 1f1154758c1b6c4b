/** The task service of a shim over ttrpc, under the names of both versions. */

import { TaskDefinition } from "../../../proto/gen/containerd/task/v2/shim.ts";
import type { Logger } from "../../base/log.ts";
import type { ShimService } from "../../core/shim.ts";
import type { CallInfo, Handlers } from "../../rpc/ttrpc/method.ts";
import { type ServedService, service } from "../../rpc/ttrpc/service.ts";
import { fromAny, requireAny, toAny } from "../convert/any.ts";
import {
  fromCreate,
  fromExec,
  optional,
  toExit,
  toProcessInfo,
  toState,
} from "../convert/shim_task.ts";
import { contextOf } from "./call_context.ts";

/** Both versions have the same methods and messages. */
const NAMES = ["containerd.task.v2.Task", "containerd.task.v3.Task"];

export function taskServices(
  shim: ShimService,
  log: Logger,
): readonly ServedService[] {
  const handlers = taskHandlers(shim, (call) => contextOf(call, log));
  return NAMES.map((name) => service(TaskDefinition, handlers, name));
}

function taskHandlers(
  shim: ShimService,
  ctx: (call: CallInfo) => ReturnType<typeof contextOf>,
): Handlers<typeof TaskDefinition> {
  return {
    state: async (call, request) =>
      toState(await shim.state(ctx(call), request)),
    create: async (call, request) => ({
      pid: await shim.create(ctx(call), fromCreate(request)),
    }),
    start: async (call, request) => ({
      pid: await shim.start(ctx(call), request),
    }),
    async delete(call, request) {
      const { pid, exit } = await shim.delete(ctx(call), request);
      return { pid, ...toExit(exit) };
    },
    async pids(call, { id }) {
      const processes = await shim.pids(ctx(call), id);
      return { processes: processes.map(toProcessInfo) };
    },
    async pause(call, { id }) {
      await shim.pause(ctx(call), id);
      return {};
    },
    async resume(call, { id }) {
      await shim.resume(ctx(call), id);
      return {};
    },
    async checkpoint(call, { id, path, options }) {
      await shim.checkpoint(ctx(call), {
        id,
        path,
        ...optional("options", fromAny(options)),
      });
      return {};
    },
    async kill(call, { id, execId, signal, all }) {
      const scope = all ? "all" : "process";
      await shim.kill(ctx(call), { id, execId, signal, scope });
      return {};
    },
    async exec(call, request) {
      await shim.exec(ctx(call), fromExec(request));
      return {};
    },
    async resizePty(call, { id, execId, width, height }) {
      const size = { columns: width, rows: height };
      await shim.resizePty(ctx(call), { id, execId, ...size });
      return {};
    },
    async closeIO(call, { id, execId, stdin }) {
      if (stdin) await shim.closeStdin(ctx(call), { id, execId });
      return {};
    },
    async update(call, { id, resources, annotations }) {
      await shim.update(ctx(call), {
        id,
        resources: requireAny(resources, "resources"),
        annotations,
      });
      return {};
    },
    wait: async (call, request) => toExit(await shim.wait(ctx(call), request)),
    stats: async (call, { id }) => ({
      stats: toAny(await shim.stats(ctx(call), id)),
    }),
    connect: async (call, { id }) => await shim.connect(ctx(call), id),
    async shutdown(call, { id, now }) {
      await shim.shutdown(ctx(call), { id, when: now ? "now" : "idle" });
      return {};
    },
  };
}
