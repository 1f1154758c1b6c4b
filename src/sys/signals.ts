/** Passing signals on. */

import { type SignalName, SIGNALS } from "../base/signals.ts";

export { type SignalName, SIGNALS };

/**
 * What is passed on to a container in the foreground: all that docker passes
 * on and that can be caught here. SIGCHLD, SIGPIPE and SIGURG mean this
 * process; faults (SIGSEGV, …) can't come from outside in earnest.
 */
const PROXIED: readonly SignalName[] = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGTERM",
  "SIGALRM",
  "SIGCONT",
  "SIGTSTP",
  "SIGTTIN",
  "SIGTTOU",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGVTALRM",
  "SIGPROF",
  "SIGWINCH",
  "SIGIO",
  "SIGPWR",
  "SIGSYS",
  "SIGTRAP",
  "SIGABRT",
  "SIGSTKFLT",
];

/** Sent by the terminal to the whole foreground process group. */
const FROM_TERMINAL: ReadonlySet<SignalName> = new Set<SignalName>([
  "SIGWINCH",
  "SIGINT",
  "SIGQUIT",
  "SIGTSTP",
]);

export interface ProxyOptions {
  /**
   * Who tells the child of Ctrl-C and the like.
   * - `proxy`: nobody else does, because it is in a process group of its own,
   *   or its terminal is raw.
   * - `terminal`: it is in our process group and gets them by itself; they do
   *   nothing to this process.
   */
  readonly keys: "proxy" | "terminal";
  /** How to tell of signals that the child itself would not pass on. */
  readonly detours?: Readonly<Partial<Record<SignalName, () => void>>>;
}

/**
 * Passes signals on until disposed.
 * @param send tells the child of a signal, by its number
 */
export function proxySignals(
  send: (signal: number) => void,
  { keys, detours = {} }: ProxyOptions,
): Disposable {
  const listeners = PROXIED.map((name) => ({
    name,
    listener: keys === "terminal" && FROM_TERMINAL.has(name)
      ? () => {}
      : detours[name] ?? (() => send(SIGNALS[name])),
  }));
  for (const { name, listener } of listeners) {
    Deno.addSignalListener(name, listener);
  }
  return {
    [Symbol.dispose]() {
      for (const { name, listener } of listeners) {
        Deno.removeSignalListener(name, listener);
      }
    },
  };
}
