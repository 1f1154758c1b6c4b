/** Signals that a daemon hears. */

export interface SignalHandlers {
  /** The first SIGTERM or SIGINT. */
  stop(): void;
  /** The second one. It does not return. */
  stopNow(exitCode: number): never;
  reload(): void;
  describe(): void;
}

const NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

/** Handles them until it is disposed. */
export function handleSignals(handlers: SignalHandlers): Disposable {
  let isStopping = false;
  const end = (name: keyof typeof NUMBERS) => () => {
    if (isStopping) handlers.stopNow(128 + NUMBERS[name]);
    isStopping = true;
    handlers.stop();
  };
  const listeners = [
    ["SIGTERM", end("SIGTERM")],
    ["SIGINT", end("SIGINT")],
    ["SIGHUP", () => handlers.reload()],
    ["SIGUSR1", () => handlers.describe()],
  ] as const;
  for (const [name, listener] of listeners) {
    Deno.addSignalListener(name, listener);
  }
  return {
    [Symbol.dispose]() {
      for (const [name, listener] of listeners) {
        Deno.removeSignalListener(name, listener);
      }
    },
  };
}
