/** Streams of a task over there, by what stays beside it on this side. */

import type { Context } from "../../base/context.ts";
import { sleep } from "../../base/sleep.ts";
import type { AttachInput, AttachOutput } from "../../core/keeper.ts";
import type { ShimService } from "../../core/shim.ts";
import {
  attachToLogger,
  type LoggedTask,
} from "../../drivers/shim_manager/attach.ts";
import type { StreamedTask } from "../../drivers/shim_manager/attach_fifos.ts";
import { TaskInput } from "../../drivers/shim_manager/task_input.ts";
import type { Poller } from "../../sys/poller.ts";

/** What stays beside a task that a command of this side has started. */
export interface TaskLogger {
  /** The bundle's directory. */
  readonly bundle: string;
  /** By whoever shows the output from its very beginning. */
  readonly connection?: Deno.UnixConn;
}

export interface AttachDeps {
  readonly shim: ShimService;
  readonly poller: () => Poller;
  readonly logger: TaskLogger;
}

/** In which its logger shows what it has written last. */
const GOODBYE_MS = 1_000;

/**
 * To the end of this one of its lives.
 * @throws {EngineError} `unimplemented` without a logger, and for input to one
 * that takes none
 */
export async function* attachRemote(
  ctx: Context,
  deps: AttachDeps,
  id: string,
  stdin: "send" | "none",
  input: AsyncIterable<AttachInput>,
): AsyncGenerator<AttachOutput> {
  const { shim, logger } = deps;
  const init = { id, execId: "" };
  // Shims may hold its streams open until somebody deletes it.
  const late = new AbortController();
  const signal = AbortSignal.any([ctx.signal, late.signal]);
  const task: LoggedTask = {
    ...streamsOf(ctx, deps, id),
    bundle: logger.bundle,
    wait: async () => {
      try {
        const exit = await shim.wait(ctx, init);
        void sleep(GOODBYE_MS, ctx.signal).then(() => late.abort());
        return exit;
      } catch (error) {
        // Nobody tells it anything any more, nor would its end be told.
        late.abort();
        throw error;
      }
    },
  };
  const there = { ...ctx, signal };
  yield* attachToLogger(there, task, stdin, input, logger.connection);
}

/** How its streams are reached, whoever has started it. */
export function streamsOf(
  ctx: Context,
  { shim, poller }: Omit<AttachDeps, "logger">,
  id: string,
): StreamedTask {
  const init = { id, execId: "" };
  return {
    id,
    state: (ctx) => shim.state(ctx, init),
    wait: (ctx) => shim.wait(ctx, init),
    resize: (ctx, size) => shim.resizePty(ctx, { ...init, ...size }),
    openInput: async () => {
      const { stdin: path, terminal } = await shim.state(ctx, init);
      return path === "" ? undefined : new TaskInput({
        poller: poller(),
        path,
        kind: terminal ? "terminal" : "streams",
        closeStdin: () => shim.closeStdin(ctx, init),
      });
    },
  };
}
