/** Signals by name and number, and passing them on. */

/** Numbers on x86-64 and aarch64, which are the same. */
export const SIGNALS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const;

export type SignalName = keyof typeof SIGNALS;

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
