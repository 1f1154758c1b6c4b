/** One more process in a container, with our streams or with none. */

import type { Context } from "../base/context.ts";
import { failedPrecondition } from "../base/errors.ts";
import type {
  ExecProcess,
  ExecRequest,
  Leaving,
  TaskStdio,
} from "../core/task.ts";
import {
  adoptOrphans,
  exitCodeOf,
  sendSignal,
  waitFor,
} from "../sys/process.ts";
import { parentOf } from "../sys/pidfd.ts";
import { createReaper } from "../sys/reaper.ts";
import { proxySignals, SIGNALS } from "../sys/signals.ts";
import { writeWhole } from "../sys/write_whole.ts";
import { onAbort, runAttached, SignalTarget } from "./attached_child.ts";
import { type LaunchStreams, NO_STREAMS, RuntimeControl } from "./control.ts";
import { type OciRuntime, RuntimeCommands } from "./oci_runtime.ts";
import { removeIfThere } from "./runtime_call.ts";
import { asTold, lastError, startError } from "./start_failure.ts";
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

type OurStdio = ExecRequest["stdio"] & { readonly to: "ours" } & TaskStdio;

/** @throws {TaskStartError} */
export async function startExec(
  ctx: Context,
  place: ExecPlace,
  { execId, process, stdio }: ExecRequest,
): Promise<ExecProcess> {
  const file = `${place.bundle}/.exec-${execId}.json`;
  const launch = {
    streams: streamsOf(stdio),
    pidFile: `${place.bundle}/.exec-${execId}.pid`,
  };
  const control = controlOf(place);
  await using early = isTerminal(stdio)
    ? undefined
    : control.execEarly(place.id, file, launch);
  try {
    writeWhole(file, JSON.stringify(await process()), 0o600);
    if (isTerminal(stdio)) {
      const { leaving } = stdio;
      return leaving === undefined
        ? attached(ctx, place, execId, file, stdio)
        : await leavable(ctx, place, execId, file, leaving);
    }
    const start = () => early?.start() ?? control.exec(place.id, file, launch);
    return stdio.to === "none"
      ? await detached(execId, start)
      : await withOurStreams(ctx, place, start);
  } finally {
    // A runtime that stays has read it by the time that it is needed no more.
    if (!isTerminal(stdio)) removeIfThere(file);
  }
}

function isTerminal(stdio: ExecRequest["stdio"]): stdio is OurStdio {
  return stdio.to === "ours" && stdio.kind === "terminal";
}

function streamsOf(stdio: ExecRequest["stdio"]): LaunchStreams {
  return stdio.to === "none" ? NO_STREAMS : {
    kind: "streams",
    stdin: stdio.stdin,
    stdout: "inherit",
    stderr: "inherit",
  };
}

async function detached(
  execId: string,
  start: () => Promise<number>,
): Promise<ExecProcess> {
  const pid = await start();
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
  start: () => Promise<number>,
): Promise<ExecProcess> {
  const owned = new DisposableStack();
  const target = new SignalTarget();
  try {
    owned.use(proxySignals((n) => target.send(n), { keys: "proxy" }));
    owned.use(onAbort(ctx.signal, (n) => target.send(n)));
    owned.use(keepStreamOwners());
    adoptOrphans();
    const pid = await start();
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
    throw asTold(place.runtime.name, error);
  }
}

/** We copy between its terminal and ours, until its user leaves it. */
async function leavable(
  { signal }: Context,
  place: ExecPlace,
  execId: string,
  file: string,
  leaving: Leaving,
): Promise<ExecProcess> {
  const { startLeavable } = await import("./exec_terminal.ts");
  const prefix = `${place.bundle}/.exec-${execId}`;
  const pidFile = `${prefix}.pid`;
  const control = controlOf(place);
  try {
    return await startLeavable({
      ...{ signal, leaving, now: place.now },
      socket: `${prefix}.sock`,
      start: (streams) => control.exec(place.id, file, { streams, pidFile }),
    });
  } catch (error) {
    throw asTold(place.runtime.name, error);
  } finally {
    removeIfThere(file);
  }
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

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}
