import { signalNumber } from "../base/signals.ts";
import type { StopOptions } from "../engine/stop.ts";
import type { Flags } from "./command.ts";

/**
 * `--time`, `--timeout` and `--signal` of `stop` and `restart`.
 * @throws {EngineError} `invalidArgument`
 */
export function stopOptions(flags: Flags): StopOptions {
  const signal = flags.string("signal");
  const seconds = flags.number("timeout") ?? flags.number("time");
  return {
    ...signal === undefined ? {} : { signal: signalNumber(signal) },
    ...seconds === undefined ? {} : { timeoutSeconds: seconds },
  };
}
