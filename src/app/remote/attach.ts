/**
 * Streams of a task over there: by what stays beside it on this side, or, if
 * another program has started it, by its FIFOs.
 */

import type { Context } from "../../base/context.ts";
import { sleep } from "../../base/sleep.ts";
import type { AttachInput, AttachOutput } from "../../core/keeper.ts";
import type { ShimService } from "../../core/shim.ts";
import type { Task } from "../../core/task.ts";
import type { TaskStatus } from "../../core/task_status.ts";
import { attachToLogger } from "../../drivers/shim_manager/attach.ts";
import type { StreamedTask } from "../../drivers/shim_manager/attach_fifos.ts";
import { inputOf } from "../../drivers/shim_manager/task_input.ts";
import type { Poller } from "../../sys/poller.ts";
import { explainLoss } from "./lost_daemon.ts";

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
  /** Absent if another program has started it. */
  readonly logger?: TaskLogger;
  /** Of the daemon's socket. */
  readonly address: string;
  readonly nameOf: (ctx: Context) => Promise<string>;
  /** What is recorded of it on this side. */
  readonly recorded: () => TaskStatus | undefined;
  /** The same task of a keeper of ours, if it has it and we may know. */
  readonly findOwn: (ctx: Context) => Promise<Task | undefined>;
}

/** In which its logger shows what it has written last. */
const GOODBYE_MS = 1_000;

/**
 * To the end of this one of its lives.
 * @throws {EngineError} `unimplemented` if nobody here can see its output, or
 * send input; `unavailable` if the daemon goes away
 */
export async function* attachRemote(
  ctx: Context,
  deps: AttachDeps,
  id: string,
  stdin: "send" | "none",
  input: AsyncIterable<AttachInput>,
): AsyncGenerator<AttachOutput> {
  const { logger, findOwn, nameOf, address, recorded } = deps;
  const own = logger === undefined ? await findOwn(ctx) : undefined;
  if (own !== undefined) return yield* own.attach(ctx, stdin, input);
  const name = await nameOf(ctx);
  const attach = logger === undefined ? attachOthers : attachLogged(logger);
  try {
    yield* attach(ctx, deps, id, stdin, input);
  } catch (error) {
    throw explainLoss(error, ctx, { address, name, status: recorded() });
  }
}

type Attach = typeof attachRemote;

const attachOthers: Attach = async function* (ctx, deps, id, stdin, input) {
  const { attachFifos } = await import(
    "../../drivers/shim_manager/attach_fifos.ts"
  );
  const task = streamsOf(ctx, deps, id);
  yield* attachFifos(ctx, deps.poller(), task, stdin, input);
};

function attachLogged({ bundle, connection }: TaskLogger): Attach {
  return async function* (ctx, deps, id, stdin, input) {
    // Shims may hold its streams open until somebody deletes it.
    const late = new AbortController();
    const signal = AbortSignal.any([ctx.signal, late.signal]);
    const task = streamsOf(ctx, deps, id);
    const wait = async () => {
      try {
        const exit = await task.wait(ctx);
        void sleep(GOODBYE_MS, ctx.signal).then(() => late.abort());
        return exit;
      } catch (error) {
        // Nobody tells it anything any more, nor would its end be told.
        late.abort();
        throw error;
      }
    };
    const logged = { ...task, bundle, wait };
    const there = { ...ctx, signal };
    yield* attachToLogger(there, logged, stdin, input, connection);
  };
}

/** How its streams are reached, whoever has started it. */
function streamsOf(
  ctx: Context,
  { shim, poller }: Pick<AttachDeps, "shim" | "poller">,
  id: string,
): StreamedTask {
  const init = { id, execId: "" };
  return {
    id,
    state: (ctx) => shim.state(ctx, init),
    wait: (ctx) => shim.wait(ctx, init),
    resize: (ctx, size) => shim.resizePty(ctx, { ...init, ...size }),
    openInput: async () =>
      inputOf(
        poller(),
        await shim.state(ctx, init),
        () => shim.closeStdin(ctx, init),
      ),
  };
}
