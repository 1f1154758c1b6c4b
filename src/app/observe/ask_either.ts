/** Asking a daemon at its debug socket, be it ours or containerd. */

import { EngineError, hasCode, invalidArgument } from "../../base/errors.ts";
import { askDaemon, type DebugAnswer } from "./ask.ts";

/** The same in the words of both: paths, and queries. */
export interface DebugQuestion {
  readonly ours: string;
  /**
   * As Go's net/http/pprof and expvar have it.
   * @throws {EngineError} `invalidArgument` if it can't be asked there
   */
  readonly go: () => string;
}

export interface EitherAnswer extends DebugAnswer {
  /** In whose format it is. */
  readonly format: "ours" | "go";
}

export function profileQuestion(seconds: number): DebugQuestion {
  return {
    ours: `/debug/profile?seconds=${seconds}`,
    go: () => {
      // It takes 30 for what it does not understand.
      if (Number.isSafeInteger(seconds) && seconds > 0) {
        return `/debug/pprof/profile?seconds=${seconds}`;
      }
      throw invalidArgument(`Cannot profile for "${seconds}" seconds`, {
        hint: "Containerd counts whole seconds, from 1 on",
      });
    },
  };
}

/** @throws {EngineError} as `askDaemon`; `unimplemented` if it is neither */
export async function askEither(
  socket: string,
  { ours, go }: DebugQuestion,
  signal: AbortSignal,
): Promise<EitherAnswer> {
  try {
    return { ...await askDaemon(socket, ours, signal), format: "ours" };
  } catch (error) {
    if (!hasCode(error, "unimplemented")) throw error;
  }
  const target = go();
  try {
    return { ...await askDaemon(socket, target, signal), format: "go" };
  } catch (error) {
    throw explained(error, socket, target);
  }
}

function explained(error: unknown, socket: string, target: string): unknown {
  if (hasCode(error, "unimplemented")) {
    const message = `The daemon does not tell "${target}" at "${socket}"`;
    return new EngineError("unimplemented", message, { cause: error });
  }
  // So it says that somebody else is recording.
  if (hasCode(error, "internal")) {
    const { message } = error;
    return new EngineError("failedPrecondition", message, { cause: error });
  }
  return error;
}
