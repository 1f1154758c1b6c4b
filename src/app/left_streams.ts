/**
 * What keeps the streams of a process that its user has left: without it the
 * process would be hung up, or wait for somebody to read what it writes.
 */

import type { LeftStreams } from "../core/task.ts";
import { closeFd, readSome, setBlocking } from "../sys/descriptors.ts";
import { openPidfd } from "../sys/pidfd.ts";
import { openPoller, type Poller } from "../sys/poller.ts";
import { spawn } from "../sys/process.ts";
import { selfCommand } from "./self.ts";
import { taskEnvironment } from "./task_parts.ts";

const BUFFER_BYTES = 64 * 1024;

/** Starts a process that keeps them when this one has gone. */
export function keepLeftStreams({ pid, output, input }: LeftStreams): void {
  const [path = "", ...args] = selfCommand();
  spawn({
    path,
    args: [...args, "system", "keep-streams", String(pid)],
    env: taskEnvironment(),
    stdin: { fd: output },
    stdout: "null",
    stderr: "null",
    processGroup: "own",
    session: "new",
    ...input === undefined ? {} : { extra: [input] },
  });
}

/**
 * Reads standard input, which this process was given by `keepLeftStreams`,
 * until it ends or a process does.
 */
export async function drainLeftStreams(pid: number): Promise<void> {
  setBlocking(0, "nonblocking");
  using poller = openPoller();
  const ended = Promise.withResolvers<void>();
  using _end = watchEnd(poller, pid, () => ended.resolve());
  const buffer = new Uint8Array(BUFFER_BYTES);
  using _output = poller.watch(0, "readable", () => {
    if (readSome(0, buffer) === 0) ended.resolve();
  });
  await ended.promise;
}

/** @param ended is called at once if there is no such process */
function watchEnd(poller: Poller, pid: number, ended: () => void): Disposable {
  using owned = new DisposableStack();
  try {
    const fd = owned.adopt(openPidfd(pid), closeFd);
    owned.use(poller.watch(fd, "readable", ended));
  } catch {
    ended();
  }
  return owned.move();
}
