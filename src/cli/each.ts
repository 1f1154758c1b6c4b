import { LostDaemonError } from "../core/through_socket.ts";
import type { Invocation } from "./command.ts";
import { failureLines } from "./failure.ts";
import { BrokenPipe } from "./terminal.ts";

interface EachOptions {
  /** Failures that are told but do not change the exit code. */
  readonly tolerate?: (error: unknown) => boolean;
}

/**
 * Does something with every argument, telling each failure and going on.
 * @returns 1 if one failed
 */
export async function forEachArgument(
  inv: Invocation,
  act: (argument: string) => Promise<void>,
  { tolerate = () => false }: EachOptions = {},
): Promise<number> {
  let exitCode = 0;
  for (const argument of inv.args) {
    try {
      await act(argument);
    } catch (error) {
      if (inv.ctx.signal.aborted || error instanceof BrokenPipe) throw error;
      // The others can't be asked for, either.
      if (error instanceof LostDaemonError) throw error;
      const show = inv.global.debug === true ? "details" : "summary";
      inv.stderr.write(failureLines(error, { show }).join("\n") + "\n");
      if (!tolerate(error)) exitCode = 1;
    }
  }
  return exitCode;
}
