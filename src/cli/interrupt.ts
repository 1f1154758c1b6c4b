/**
 * SIGINT and SIGTERM: the first one ends the work in an orderly way, the
 * second one ends the process at once.
 */

import { EngineError } from "../base/errors.ts";

/** Signals that end a command, with their numbers. */
const ENDING = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
type EndingSignal = keyof typeof ENDING;

export interface SignalWatch {
  /** Fires on the first signal. */
  readonly signal: AbortSignal;
  /** Number of the signal that came; undefined if none did. */
  readonly received: number | undefined;
  /** Starts to listen; before that a signal ends the process as usual. */
  start(): void;
  /** Stops listening until the result is disposed. */
  suspend(): Disposable;
}

/** 128 + N after signal N, as a shell reports it. */
export function interruptExitCode(watch: SignalWatch): number | undefined {
  return watch.received === undefined ? undefined : 128 + watch.received;
}

/** Listens to this process's signals. Disposing stops that. */
export class ProcessSignals implements SignalWatch, Disposable {
  readonly #controller = new AbortController();
  readonly #handlers: readonly [EndingSignal, () => void][];
  #received: number | undefined;
  #listening = false;
  #suspended = 0;

  constructor() {
    this.#handlers = (Object.keys(ENDING) as EndingSignal[])
      .map((name) => [name, () => this.#onSignal(name)]);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get received(): number | undefined {
    return this.#received;
  }

  start(): void {
    if (this.#listening || this.#suspended > 0) return;
    this.#listening = true;
    for (const [name, handler] of this.#handlers) {
      Deno.addSignalListener(name, handler);
    }
  }

  suspend(): Disposable {
    const wasListening = this.#listening;
    this.#suspended++;
    this.#stop();
    return {
      [Symbol.dispose]: () => {
        this.#suspended--;
        if (wasListening) this.start();
      },
    };
  }

  [Symbol.dispose](): void {
    this.#stop();
  }

  #stop(): void {
    if (!this.#listening) return;
    this.#listening = false;
    for (const [name, handler] of this.#handlers) {
      Deno.removeSignalListener(name, handler);
    }
  }

  #onSignal(name: EndingSignal): void {
    if (this.#received !== undefined) Deno.exit(128 + ENDING[name]);
    this.#received = ENDING[name];
    this.#controller.abort(
      new EngineError("cancelled", `Interrupted by ${name}`),
    );
  }
}
