/**
 * Our own shim: the process that keeps containers which a command of ours has
 * started, when that command has gone.
 *
 * It is started before there is anything to keep, and waits for one line on
 * its input; the input's end before that means that it is not needed. Or it is
 * what a stand-in becomes, and goes on with what that has started.
 */

import { background } from "../base/context.ts";
import { EngineError } from "../base/errors.ts";
import { within } from "../base/within.ts";
import type { TtrpcServer } from "../rpc/ttrpc/server.ts";
import type { Keeper, KeepRequest } from "../core/keeper.ts";
import { TaskStartError } from "../core/start_failure.ts";
import type { KeptContainer, KeptDeps } from "../shim/keeper/kept_container.ts";
import { createPublisher } from "../shim/keeper/publish.ts";
import { createKeeper, type LocalKeeper } from "../shim/keeper/service.ts";
import { hastenCgroupMoves } from "../sys/cgroup_moves.ts";
import { silenceStreams } from "../sys/null_streams.ts";
import { openPoller, type Poller } from "../sys/poller.ts";
import { adoptOrphans, spawn } from "../sys/process.ts";
import { createReaper } from "../sys/reaper.ts";
import { watchRemoval } from "../sys/removal_watch.ts";
import type { LaunchAnswer, LaunchOrder } from "./keeper_messages.ts";
import { keeperLog, type LogFailure } from "./keeper_log.ts";
import { listenUnix } from "./unix_socket.ts";

const TASK_API = 3;
/** How long those who are attached may take to read the rest. */
const GOODBYE_MS = 10_000;
/** How long a command may take to finish what it has ended. */
const FINISH_MS = 2_000;
/** How long events may take to get into the journal. */
const PUBLISH_MS = 10_000;

/** @returns the exit code */
export async function keep(args: readonly string[]): Promise<number> {
  // What lies there must not be held busy.
  Deno.chdir("/");
  ignoreTermination();
  const at = args.indexOf("-resume");
  if (at >= 0) {
    const { resumeKeeping } = await import("./keeper_resume.ts");
    return await resumeKeeping(Number(args[at + 1]));
  }
  // A part of the runtime's time is a wait that may as well be now.
  void hastenCgroupMoves();
  const order = await readOrder();
  if (order === undefined) return 0;
  const shim = openKeeper(order.address);
  const { deps, keeper, idle } = shim;
  let listener: Deno.UnixListener;
  try {
    listener = listenUnix(order.address);
  } catch (error) {
    say(failureOf(error));
    return 1;
  }
  const launched = launch(keeper, order.request);
  // What serves is loaded while the runtime is busy: not before it is started.
  await new Promise((resolve) => setTimeout(resolve));
  const serving = serve(deps, keeper, listener);
  const answer = await launched;
  say(answer);
  if ("error" in answer) return 1;
  silenceStreams();
  const server = await serving;
  await mayNap(shim, server);
  await untilIdle(server, idle);
  return 0;
}

async function mayNap(shim: OpenKeeper, server: TtrpcServer): Promise<void> {
  const { napWhenIdle, nextNap } = await import("./keeper_nap.ts");
  napWhenIdle(shim, server, nextNap(undefined, Date.now()));
}

/** Those who are attached may read the rest. */
export async function untilIdle(
  server: Pick<TtrpcServer, "idle">,
  idle: Promise<void>,
): Promise<void> {
  await idle;
  await within(GOODBYE_MS, server.idle());
}

export interface OpenKeeper {
  readonly address: string;
  readonly deps: KeptDeps;
  readonly keeper: LocalKeeper;
  /** Settles when there is nothing left to keep. */
  readonly idle: Promise<void>;
  /** Settles when what has happened so far has been published. */
  readonly settled: () => Promise<void>;
}

export interface OpenKeeperOptions {
  /** An instance that is there already. */
  readonly inotify?: number | undefined;
  /** Of a log that can't be opened: the container may run already. */
  readonly failure?: LogFailure;
}

export function openKeeper(
  address: string,
  { inotify, failure = "thrown" }: OpenKeeperOptions = {},
): OpenKeeper {
  adoptOrphans();
  const { promise: idle, resolve: becomeIdle } = Promise.withResolvers<void>();
  const poller = openPoller(inotify);
  const reaper = createReaper("all");
  const env = Object.entries(Deno.env.toObject())
    .map(([name, value]) => `${name}=${value}`);
  const publisher = createPublisher({ reaper, env });
  const deps: KeptDeps = {
    poller,
    reaper,
    env,
    now: () => new Date(),
    openLog: (request, report) =>
      keeperLog({ poller, reaper, env, failure }, request, report),
    publish: publisher.publish,
  };
  const keeper = createKeeper({
    ...deps,
    record: {
      ...{ address, pid: Deno.pid, version: TASK_API },
      wake: address.replace(/^unix:\/\/(.*)\/[^/]*$/, "$1/wake"),
    },
    async ended(container) {
      // Before the end is published by whoever finishes it.
      await within(PUBLISH_MS, publisher.settled());
      // Who ends a container finishes it, too, unless he is killed.
      const finished = container.isRetired
        ? whenRemoved(poller, container.request.bundle)
        : undefined;
      container.release();
      if (finished && await within(FINISH_MS, finished)) return;
      finish(container, env);
    },
    idle: becomeIdle,
  });
  return { address, deps, keeper, idle, settled: publisher.settled };
}

export async function serve(
  deps: KeptDeps,
  keeper: LocalKeeper,
  listener: Deno.UnixListener,
): Promise<TtrpcServer> {
  const { serveKeeper } = await import("./keeper_serve.ts");
  return serveKeeper(deps, keeper, listener);
}

/** Whoever ends everybody, for instance at a logout, does not mean us. */
function ignoreTermination(): void {
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    Deno.addSignalListener(name, () => {});
  }
}

async function readOrder(): Promise<LaunchOrder | undefined> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  while (!text.endsWith("\n")) {
    const count = await Deno.stdin.read(buffer);
    if (count === null) return undefined;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  return JSON.parse(text);
}

function say(answer: LaunchAnswer): void {
  const line = new TextEncoder().encode(`${JSON.stringify(answer)}\n`);
  try {
    Deno.stdout.writeSync(line);
  } catch {
    // Who asked has gone; the container runs all the same.
  }
}

async function launch(
  keeper: Keeper,
  request: KeepRequest,
): Promise<LaunchAnswer> {
  const ctx = background({ namespace: request.namespace });
  try {
    return { pid: await keeper.launch(ctx, request) };
  } catch (error) {
    return failureOf(error);
  }
}

function failureOf(thrown: unknown): LaunchAnswer {
  const { message: error, code, hint } = EngineError.from(thrown);
  return {
    error,
    code,
    ...hint === undefined ? {} : { hint },
    ...thrown instanceof TaskStartError ? { exitCode: thrown.exitCode } : {},
  };
}

function whenRemoved(poller: Poller, bundle: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  try {
    watchRemoval(poller, `${bundle}/record.json`, resolve);
  } catch {
    // It has gone already, or nobody can tell: to finish it again is harmless.
  }
  return promise;
}

/** Another process finishes the bundle: it needs the store, we do not. */
function finish(container: KeptContainer, env: readonly string[]): void {
  const [path = "", ...args] = container.request.finishCommand;
  try {
    spawn({
      path,
      args,
      env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
      processGroup: "own",
      session: "new",
    });
  } catch {
    // The next command of anybody finds it.
  }
}
