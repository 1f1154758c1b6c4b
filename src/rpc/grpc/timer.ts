/** Deadlines. */

/** What timers can count; deadlines beyond it never pass. */
const MOST_MS = 2 ** 31 - 1;

/** @param ms undefined for none */
export function after(ms: number | undefined, act: () => void): Disposable {
  const timer = ms === undefined || ms > MOST_MS
    ? undefined
    : setTimeout(act, ms);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
