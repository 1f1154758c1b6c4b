/**
 * `setTimeout` and its kin without Node's. The runtime's own load all of
 * `node:timers` when the first one is set: 5 ms of every command that has a
 * deadline, and 1.4 MB of every shim. What is below them does not.
 */

/** The part of the runtime's core that is needed; it may change with it. */
interface TimerCore {
  createTimer(
    act: (...args: unknown[]) => void,
    ms: number,
    args: readonly unknown[] | undefined,
    isRepeated: boolean,
    isAwaited: boolean,
  ): object;
  cancelTimer(timer: object): void;
  refTimer(timer: object): void;
  unrefTimer(timer: object): void;
}

/** What `Deno.refTimer` and `Deno.unrefTimer` take, too. */
class LightTimer {
  readonly #core: TimerCore;
  readonly #timer: object;

  constructor(core: TimerCore, timer: object) {
    this.#core = core;
    this.#timer = timer;
  }

  cancel(): void {
    this.#core.cancelTimer(this.#timer);
  }

  ref(): this {
    this.#core.refTimer(this.#timer);
    return this;
  }

  unref(): this {
    this.#core.unrefTimer(this.#timer);
    return this;
  }
}

/** Does nothing where the runtime does not have them. */
export function useLightTimers(): void {
  const core = timerCore();
  if (core === undefined) return;
  type Act = (...args: unknown[]) => void;
  const timers = (times: "once" | "ever") =>
  (
    act: Act,
    ms = 0,
    ...args: unknown[]
  ) =>
    new LightTimer(
      core,
      core.createTimer(act, ms, args, times === "ever", true),
    );
  const clear = (timer: unknown) => {
    if (timer instanceof LightTimer) timer.cancel();
  };
  Object.assign(globalThis, {
    setTimeout: timers("once"),
    setInterval: timers("ever"),
    clearTimeout: clear,
    clearInterval: clear,
  });
}

function timerCore(): TimerCore | undefined {
  const { internal } = Deno as unknown as { readonly internal: symbol };
  const inner =
    (Deno as unknown as Readonly<Record<symbol, unknown>>)[internal];
  const { core } = (inner ?? {}) as { readonly core?: Partial<TimerCore> };
  const names = ["createTimer", "cancelTimer", "refTimer", "unrefTimer"];
  const isWhole = names.every((name) =>
    typeof core?.[name as keyof TimerCore] === "function"
  );
  return isWhole ? core as TimerCore : undefined;
}
