/**
 * A socket at which the daemon's owner can ask what it is doing. What answers
 * is loaded when it is asked for.
 */

import { background, type Context } from "../../base/context.ts";
import type { TaskState } from "../observe/activity.ts";
import type { ActivityDeps } from "../observe/activity.ts";
import type { HttpHandler } from "../observe/http.ts";
import { runningTasks } from "../observe/running_tasks.ts";
import { OPEN_CALLS } from "./observers.ts";
import { type Plugin, plugin, type PluginHost } from "./plugin.ts";
import { lendSocket, parseAddress } from "./sockets.ts";

export const debugPlugins: readonly Plugin[] = [
  plugin(
    { type: "io.coracle.debug.v1", id: "socket" },
    [OPEN_CALLS],
    async (host) => {
      const { debug } = host.daemon;
      const path = debug.address === undefined
        ? `${host.paths.state}/debug.sock`
        : parseAddress(debug.address, "with `address` in `[debug]`");
      const { listenPrivate } = await import("../observe/listen_private.ts");
      const { serveHttp } = await import("../observe/http.ts");
      const listener = await listenPrivate(path);
      const server = serveHttp({
        listener,
        handle: answers(host),
        onFailure: (error) => host.log.warn("Cannot tell", { error }),
      });
      host.defer(async () => {
        await server[Symbol.asyncDispose]();
        await Deno.remove(path).catch(() => {});
      });
      lendSocket(path, debug, host.paths.state);
      host.describe({ exports: { address: path } });
    },
  ),
];

function answers(host: PluginHost): HttpHandler {
  const calls = host.get(OPEN_CALLS);
  const deps: ActivityDeps = {
    startedAt: host.now(),
    now: host.now,
    calls: () => calls.list(),
    tasks: () =>
      tasksOf(host).catch((error) => {
        // All else is worth seeing, the more so now.
        host.log.warn("Cannot tell of tasks", { error });
        return [];
      }),
    plugins: () => host.statuses(),
  };
  let loaded: Promise<HttpHandler> | undefined;
  return async (question) => {
    loaded ??= import("../observe/debug_answers.ts")
      .then(({ debugAnswers }) => debugAnswers(deps));
    return await (await loaded)(question);
  };
}

async function tasksOf(host: PluginHost): Promise<readonly TaskState[]> {
  const tasks = runningTasks(host);
  if (tasks === undefined) return [];
  const ctx: Context = background({ log: host.log, signal: host.stopping });
  const found: TaskState[] = [];
  for await (const { name: namespace } of host.services.namespaces.list(ctx)) {
    for await (const { id, pid, status } of tasks.list({ ...ctx, namespace })) {
      found.push({ namespace, id, pid, status });
    }
  }
  return found;
}
