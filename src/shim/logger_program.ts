/** Programs that read a container's output. @see containerd, runtime v2 */

import { EngineError } from "../base/errors.ts";
import { within } from "../base/within.ts";
import { makePipe, readSome, setBlocking } from "../sys/descriptors.ts";
import type { Poller } from "../sys/poller.ts";
import { type ChildStatus, sendSignal, spawn } from "../sys/process.ts";
import type { Reaper } from "../sys/reaper.ts";
import { SIGNALS } from "../sys/signals.ts";
import { Descriptors } from "./descriptors.ts";
import type { OutputAddress } from "./stdio_address.ts";

type LoggerAddress = Extract<OutputAddress, { kind: "logger" }>;

export interface LoggerDeps {
  readonly poller: Poller;
  readonly reaper: Reaper;
  /** Of this process, `NAME=value`. */
  readonly env: readonly string[];
  /** How long it may take until it reads; 10 s if absent. */
  readonly readyMs?: number;
}

interface LoggerProgram {
  /** Ends to write to, of `owner`; they wait. */
  readonly stdout: number;
  readonly stderr: number;
  /**
   * It ends by itself when its input does; it is told to if it has not by
   * then, and killed if it does not listen.
   */
  finish(budgetMs: number): Promise<void>;
}

const KILL_AFTER_MS = 2_000;
const READY_MS = 10_000;

/** @throws {EngineError} `failedPrecondition` if it does not get ready */
export async function startLogger(
  deps: LoggerDeps,
  address: LoggerAddress,
  container: { readonly id: string; readonly namespace: string },
  owner: Descriptors,
): Promise<LoggerProgram> {
  using theirs = new Descriptors();
  using ours = new Descriptors();
  const stdout = makePipe();
  const stderr = makePipe();
  const ready = makePipe();
  for (const pipe of [stdout, stderr]) {
    theirs.own(pipe.read);
    owner.own(pipe.write);
  }
  theirs.own(ready.write);
  ours.own(ready.read);
  const child = spawn({
    path: address.path,
    args: address.args,
    env: [
      ...deps.env,
      `CONTAINER_ID=${container.id}`,
      `CONTAINER_NAMESPACE=${container.namespace}`,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
    processGroup: "own",
    extra: [stdout.read, stderr.read, ready.write],
  });
  const ended = deps.reaper.wait(child.pid);
  theirs[Symbol.dispose]();
  const said = await firstByte(deps, ready.read);
  if (said === "late") {
    sendSignal(child.pid, SIGNALS.SIGKILL);
    await within(KILL_AFTER_MS, ended);
    throw new EngineError(
      "deadlineExceeded",
      `Cannot start logger "${address.path}": it does not say it is ready`,
      { hint: "It is to write a byte to its descriptor 5, and to close that" },
    );
  }
  if (said === "nothing" && address.readiness === "signal") {
    throw new EngineError(
      "failedPrecondition",
      `Cannot start logger "${address.path}": it did not say it is ready`,
    );
  }
  return {
    stdout: stdout.write,
    stderr: stderr.write,
    finish: (budgetMs) => endLogger(child.pid, ended, budgetMs),
  };
}

async function firstByte(
  { poller, readyMs = READY_MS }: LoggerDeps,
  fd: number,
): Promise<"ready" | "nothing" | "late"> {
  setBlocking(fd, "nonblocking");
  const { promise, resolve } = Promise.withResolvers<void>();
  using _watch = poller.watch(fd, "readable", () => resolve());
  if (!await within(readyMs, promise)) return "late";
  return readSome(fd, new Uint8Array(1)) === 1 ? "ready" : "nothing";
}

async function endLogger(
  pid: number,
  ended: Promise<ChildStatus>,
  budgetMs: number,
): Promise<void> {
  if (await within(budgetMs, ended)) return;
  sendSignal(pid, SIGNALS.SIGTERM);
  if (await within(KILL_AFTER_MS, ended)) return;
  sendSignal(pid, SIGNALS.SIGKILL);
  await ended;
}
