/**
 * One more process in a container, at a terminal that its user can leave. Its
 * runtime leaves at once, and we copy between that terminal and ours.
 */

import type { ExecProcess, Leaving } from "../core/task.ts";
import { within } from "../base/within.ts";
import { listenConsole } from "../sys/console_socket.ts";
import { closeFd, readSome, setBlocking } from "../sys/descriptors.ts";
import { openPoller, type Poller } from "../sys/poller.ts";
import { adoptOrphans, exitCodeOf, waitFor } from "../sys/process.ts";
import { makeRaw, setTerminalSize } from "../sys/pty.ts";
import { proxySignals } from "../sys/signals.ts";
import { passTyping } from "../sys/typing.ts";
import { onAbort, SignalTarget } from "./attached_child.ts";
import type { LaunchStreams } from "./control.ts";

/** In which what it has written last is shown; others may go on writing. */
const DRAIN_MS = 200;
const BUFFER_BYTES = 64 * 1024;

export interface LeavableDeps {
  readonly signal: AbortSignal;
  readonly leaving: Leaving;
  /** Path for the socket over which its terminal comes. */
  readonly socket: string;
  /** Starts it. @returns the process @throws {TaskStartError} */
  readonly start: (streams: LaunchStreams) => Promise<number>;
  readonly now: () => Date;
}

/** @throws {TaskStartError} */
export async function startLeavable(
  { signal, leaving, socket, start, now }: LeavableDeps,
): Promise<ExecProcess> {
  using starting = new DisposableStack();
  const target = new SignalTarget();
  const poller = starting.use(openPoller());
  const listener = starting.use(listenConsole(socket, poller));
  const send = (n: number) => target.send(n);
  starting.use(proxySignals(send, {
    keys: "proxy",
    // Its terminal tells it.
    detours: { SIGWINCH: () => {} },
  }));
  starting.use(onAbort(signal, send));
  const accepted = listener.accept();
  // A runtime that fails never connects.
  accepted.catch(() => {});
  adoptOrphans();
  const { path: consoleSocket } = listener;
  const pid = await start({ kind: "terminal", consoleSocket });
  target.found(pid);
  const terminal = starting.adopt(await accepted, closeFd);
  setBlocking(terminal, "nonblocking");
  starting.use(makeRaw(0));
  starting.use(keepSize(terminal));
  const shown = show(starting, poller, terminal);
  const left = passTyping(poller, terminal, (typed) => leaving.filter(typed));
  const owned = starting.move();
  return {
    pid,
    async wait() {
      using _owned = owned;
      const end = await Promise.race([waitFor(pid), untilLeft(left)]);
      if (end === "detach") {
        leaving.keep({ pid, output: terminal });
        return "detached";
      }
      await within(DRAIN_MS, shown);
      return { exitCode: exitCodeOf(end), exitedAt: now() };
    },
  };
}

/** Never settles if there is nothing more to be typed. */
async function untilLeft(
  left: Promise<"detach" | "ended">,
): Promise<"detach"> {
  return await left === "detach" ? "detach" : await new Promise(() => {});
}

/** Settles when nobody has the terminal open, or nobody looks at ours. */
function show(
  owned: DisposableStack,
  poller: Poller,
  terminal: number,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const buffer = new Uint8Array(BUFFER_BYTES);
  const watch = poller.watch(terminal, "readable", () => {
    const count = readSome(terminal, buffer);
    if (count === "again") return;
    if (count > 0 && writeOut(buffer.subarray(0, count))) return;
    watch.update("none");
    resolve();
  });
  owned.use(watch);
  return promise;
}

/** @returns false if nobody sees it */
function writeOut(bytes: Uint8Array): boolean {
  try {
    for (let rest = bytes; rest.length > 0;) {
      rest = rest.subarray(Deno.stdout.writeSync(rest));
    }
    return true;
  } catch {
    return false;
  }
}

/** Makes it as large as ours, until disposed. */
function keepSize(terminal: number): Disposable {
  const copy = () => {
    try {
      setTerminalSize(terminal, Deno.consoleSize());
    } catch {
      // Our output is no terminal: it may have any size.
    }
  };
  copy();
  Deno.addSignalListener("SIGWINCH", copy);
  return {
    [Symbol.dispose]: () => Deno.removeSignalListener("SIGWINCH", copy),
  };
}
