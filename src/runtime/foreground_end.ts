/** Waiting for the end of a container that runs in another command. */

import { notFound } from "../base/errors.ts";
import type { Bundle, BundleView, ExitStatus } from "../core/task.ts";
import type { TaskExit } from "../core/task_status.ts";
import { closeFd } from "../sys/descriptors.ts";
import { ERRNO, hasErrno } from "../sys/errno.ts";
import { openPidfd } from "../sys/pidfd.ts";
import { openPoller } from "../sys/poller.ts";
import { isSameProcess } from "./same_process.ts";

/** How often is looked for what a command is about to write or remove. */
const LOOK_MS = 2;

/**
 * A file of the bundle that is there from the start, and gets the end of the
 * container as its contents: whoever has it open by then can read it, though
 * the bundle has gone.
 */
const FILE = "exit.json";

type Written = Pick<TaskExit, "exitCode" | "exitedAt">;

/** Before the start, by whoever waits for the container's process. */
export function prepareExit(bundle: Bundle): void {
  bundle.write(FILE, "");
}

export function writeExit(bundle: Bundle, exit: ExitStatus): void {
  bundle.write(
    FILE,
    JSON.stringify(
      {
        exitCode: exit.exitCode,
        exitedAt: exit.exitedAt.toISOString(),
      } satisfies Written,
    ),
  );
}

/**
 * Settles when the container has ended, and the command that ran it has
 * finished with its bundle.
 * @throws {EngineError} `notFound` if nobody saw how it ended
 */
export async function waitForForeground(
  bundle: BundleView,
  signal: AbortSignal,
): Promise<ExitStatus> {
  using file = openIfThere(`${bundle.path}/${FILE}`);
  // The process first, without looking again and again; then what is left.
  while (isKept(bundle)) {
    signal.throwIfAborted();
    const status = bundle.status();
    if (status?.state === "running" && isSameProcess(status)) {
      await untilProcessEnds(status.pid, signal);
    } else await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  const text = file === undefined ? "" : readAll(file);
  if (text === "") throw notFound("the end of container", bundle.record.id);
  const { exitCode, exitedAt } = JSON.parse(text) as Written;
  return { exitCode, exitedAt: new Date(exitedAt) };
}

function openIfThere(path: string): Deno.FsFile | undefined {
  try {
    return Deno.openSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function readAll(file: Deno.FsFile): string {
  const buffer = new Uint8Array(1024);
  return new TextDecoder().decode(
    buffer.subarray(0, file.readSync(buffer) ?? 0),
  );
}

/** False if the bundle has gone, or its command was killed. */
function isKept(bundle: BundleView): boolean {
  try {
    using lock = Deno.openSync(`${bundle.path}/lock`, { write: true });
    return !lock.tryLockSync(true);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function untilProcessEnds(
  pid: number,
  signal: AbortSignal,
): Promise<void> {
  const pidfd = openIfAlive(pid);
  if (pidfd === undefined) return;
  const poller = openPoller();
  const { promise, resolve } = Promise.withResolvers<void>();
  const abort = () => resolve();
  signal.addEventListener("abort", abort);
  try {
    using _watch = poller.watch(pidfd, "readable", abort);
    await promise;
  } finally {
    signal.removeEventListener("abort", abort);
    await poller.close();
    closeFd(pidfd);
  }
}

function openIfAlive(pid: number): number | undefined {
  try {
    return openPidfd(pid);
  } catch (error) {
    if (hasErrno(error, ERRNO.ESRCH)) return undefined;
    throw error;
  }
}
