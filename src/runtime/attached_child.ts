/** Children whose streams are ours, and the signals that are meant for them. */

import type { TaskStdio } from "../core/task.ts";
import { type ChildStatus, sendSignal, spawn } from "../sys/process.ts";
import { keepTerminal, openPty, type Pty } from "../sys/pty.ts";
import { proxySignals, SIGNALS } from "../sys/signals.ts";

export interface AttachedChild {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** What to do on Ctrl-C with a terminal, where the child would just leave. */
  readonly interrupt: () => void;
}

/** Runs a runtime that copies between its container's terminal and ours. */
export async function runAttached(
  signal: AbortSignal,
  child: AttachedChild,
  stdio: TaskStdio,
): Promise<ChildStatus> {
  const usesTerminal = readsTerminal(stdio);
  using _terminal = stdio.kind === "terminal" ? keepTerminal() : undefined;
  // A runtime wants a terminal to set, even if nobody types at one: it gets
  // one as its standard error, to which nothing of the container goes. Ours
  // stays as it is, and Ctrl-C remains a signal.
  using substitute = stdio.kind === "terminal" && !usesTerminal
    ? openPty()
    : undefined;
  using _size = substitute && keepSize(substitute);
  const { pid, wait } = spawn({
    path: child.path,
    args: child.args,
    env: child.env,
    stdin: stdio.stdin,
    ...substitute === undefined ? {} : { stderr: { file: substitute.path } },
    processGroup: usesTerminal ? "shared" : "own",
  });
  const send = (signal: number) => void sendSignal(pid, signal);
  using _proxy = proxySignals(send, {
    // With a terminal of its own ours is raw: it sends no signals.
    keys: usesTerminal && stdio.kind === "streams" ? "terminal" : "proxy",
    ...stdio.kind === "terminal"
      ? { detours: { SIGINT: child.interrupt } }
      : {},
  });
  using _abort = onAbort(signal, send);
  return await wait();
}

/** Keeps what comes before there is a process to tell. */
export class SignalTarget {
  readonly #early: number[] = [];
  #pid: number | undefined;

  send(signal: number): void {
    if (this.#pid === undefined) this.#early.push(signal);
    else sendSignal(this.#pid, signal);
  }

  found(pid: number): void {
    this.#pid = pid;
    for (const signal of this.#early) sendSignal(pid, signal);
  }
}

/**
 * True if the runtime copies from our terminal, which stops whoever is not in
 * its foreground.
 */
function readsTerminal({ stdin }: TaskStdio): boolean {
  return stdin === "inherit" && Deno.stdin.isTerminal();
}

/** Makes a terminal as large as ours, if there is one, until disposed. */
function keepSize(pty: Pty): Disposable {
  const copy = () => {
    try {
      pty.setSize(Deno.consoleSize());
    } catch {
      // Nobody sees what is written: it may have any size.
    }
  };
  copy();
  Deno.addSignalListener("SIGWINCH", copy);
  return {
    [Symbol.dispose]: () => Deno.removeSignalListener("SIGWINCH", copy),
  };
}

/** Ends the container when `signal` fires. */
export function onAbort(
  signal: AbortSignal,
  send: (signal: number) => void,
): Disposable {
  const stop = () => send(SIGNALS.SIGTERM);
  signal.addEventListener("abort", stop, { once: true });
  return {
    [Symbol.dispose]: () => signal.removeEventListener("abort", stop),
  };
}
