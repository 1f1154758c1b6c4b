/** One more process in a container, with our streams or with none. */

import type { Context } from "../base/context.ts";
import { failedPrecondition } from "../base/errors.ts";
import {
  type ExecProcess,
  type ExecRequest,
  TaskStartError,
  type TaskStdio,
} from "../core/task.ts";
import { ToldStartError } from "../core/told_start_error.ts";
import {
  adoptOrphans,
  exitCodeOf,
  sendSignal,
  waitFor,
} from "../sys/process.ts";
import { parentOf } from "../sys/pidfd.ts";
import { createReaper } from "../sys/reaper.ts";
import { proxySignals, SIGNALS } from "../sys/signals.ts";
import { onAbort, runAttached, SignalTarget } from "./attached_child.ts";
import { NO_STREAMS, RuntimeControl } from "./control.ts";
import { type OciRuntime, RuntimeCommands } from "./oci_runtime.ts";
import { lastError, startError } from "./start_failure.ts";
import { keepStreamOwners } from "./stream_owners.ts";

export interface ExecPlace {
  readonly id: string;
  /** Directory for short-lived files. */
  readonly bundle: string;
  readonly runtime: OciRuntime;
  readonly root: string;
  readonly env: readonly string[];
  readonly now: () => Date;
}

type OurStdio = { readonly to: "ours" } & TaskStdio;

/** @throws {TaskStartError} */
export async function startExec(
  ctx: Context,
  place: ExecPlace,
  { execId, process, stdio }: ExecRequest,
): Promise<ExecProcess> {
  const file = `${place.bundle}/.exec-${execId}.json`;
  writeText(file, JSON.stringify(process));
  try {
    if (stdio.to === "none") return await detached(place, execId, file);
    if (stdio.kind === "terminal") {
      return attached(ctx, place, execId, file, stdio);
    }
    return await withOurStreams(ctx, place, execId, file, stdio);
  } finally {
    // A runtime that stays has read it by the time that it is needed no more.
    if (stdio.to === "none" || stdio.kind !== "terminal") removeIfThere(file);
  }
}

async function detached(
  place: ExecPlace,
  execId: string,
  file: string,
): Promise<ExecProcess> {
  const pid = await controlOf(place).exec(place.id, file, {
    streams: NO_STREAMS,
    pidFile: `${place.bundle}/.exec-${execId}.pid`,
  });
  // Dead and not waited for, it would keep the whole container from ending.
  if (parentOf(pid) === Deno.pid) void reapLater(pid);
  return {
    pid,
    wait: () =>
      Promise.reject(failedPrecondition(
        `Cannot wait for process "${execId}": it is not ours`,
      )),
  };
}

/** It keeps this process neither waiting nor alive. */
async function reapLater(pid: number): Promise<void> {
  using reaper = createReaper();
  await reaper.wait(pid);
}

/** Nothing is copied; its runtime leaves, and we are its parent. */
async function withOurStreams(
  ctx: Context,
  place: ExecPlace,
  execId: string,
  file: string,
  { stdin }: OurStdio,
): Promise<ExecProcess> {
  const owned = new DisposableStack();
  const target = new SignalTarget();
  try {
    owned.use(proxySignals((n) => target.send(n), { keys: "proxy" }));
    owned.use(onAbort(ctx.signal, (n) => target.send(n)));
    owned.use(keepStreamOwners());
    adoptOrphans();
    const pid = await controlOf(place).exec(place.id, file, {
      streams: {
        kind: "streams",
        stdin,
        stdout: "inherit",
        stderr: "inherit",
      },
      pidFile: `${place.bundle}/.exec-${execId}.pid`,
    });
    target.found(pid);
    return {
      pid,
      async wait() {
        using _owned = owned;
        const exitCode = exitCodeOf(await waitFor(pid));
        return { exitCode, exitedAt: place.now() };
      },
    };
  } catch (error) {
    owned.dispose();
    throw asTold(place.runtime, error);
  }
}

/** Whose errors go to standard error, too, when they have a log. */
const TELLERS = ["runc"];

function asTold({ name }: OciRuntime, error: unknown): unknown {
  const program = name.slice(name.lastIndexOf("/") + 1);
  return error instanceof TaskStartError && TELLERS.includes(program)
    ? new ToldStartError(error.exitCode, error.message, { cause: error })
    : error;
}

/** Its runtime copies between its terminal and ours until it ends. */
function attached(
  ctx: Context,
  place: ExecPlace,
  execId: string,
  file: string,
  stdio: OurStdio,
): ExecProcess {
  const log = `${place.bundle}/.exec-${execId}.log`;
  const pidFile = `${place.bundle}/.exec-${execId}.pid`;
  const { runtime, root, env, id } = place;
  const commands = new RuntimeCommands({ root, log });
  const interrupt = () => {
    const pid = Number(readIfThere(pidFile));
    if (pid > 0) sendSignal(pid, SIGNALS.SIGINT);
  };
  const args = commands.exec(id, {
    process: file,
    pidFile,
    wait: "foreground",
  });
  const ended = runAttached(
    ctx.signal,
    { path: runtime.path, args, env, interrupt },
    stdio,
  );
  return {
    pid: 0,
    async wait() {
      const exitCode = exitCodeOf(await ended);
      const message = exitCode === 0
        ? undefined
        : lastError(readIfThere(log) ?? "");
      for (const path of [file, log, pidFile]) removeIfThere(path);
      if (message !== undefined) {
        throw startError(runtime.name, message, "exec");
      }
      return { exitCode, exitedAt: place.now() };
    },
  };
}

function controlOf({ runtime, root, bundle, env }: ExecPlace): RuntimeControl {
  return new RuntimeControl({
    runtime,
    root,
    scratch: bundle,
    env,
    wait: waitFor,
  });
}

function writeText(path: string, text: string): void {
  Deno.writeTextFileSync(path, text, { mode: 0o600 });
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
