/** Programs of the user's that read a container's streams: `binary://…`. */

import type { LogPlan } from "../../base/container_log/settings.ts";
import { failedPrecondition } from "../../base/errors.ts";
import { Descriptors } from "../descriptors.ts";
import { type LoggerDeps, startLogger } from "../logger_program.ts";
import { parseOutputAddress } from "../stdio_address.ts";
import type { LogFiles } from "./open_log.ts";

export interface LogProgram extends Disposable {
  /** For the container: ends of pipes that the program reads. */
  readonly stdout: number;
  readonly stderr: number;
  /**
   * Waits until the program has ended, which it does when all of its input
   * has, ours included: this closes them first.
   * @param budgetMs then it is told to, and killed if it does not listen
   */
  finish(budgetMs: number): Promise<void>;
}

/**
 * Starts the program that `plan` names; it has said that it is ready when
 * this settles. Its descriptors 3 and 4 are the container's output and error;
 * CONTAINER_ID and CONTAINER_NAMESPACE say whose.
 * @throws {EngineError}
 */
export async function startLogProgram(
  deps: LoggerDeps,
  { address }: Extract<LogPlan, { kind: "program" }>,
  container: Pick<LogFiles, "id" | "namespace">,
): Promise<LogProgram> {
  const parsed = parseOutputAddress(address);
  if (parsed.kind !== "logger") {
    throw failedPrecondition(`Cannot log to "${address}": it is no program`);
  }
  using ends = new Descriptors();
  const { stdout, stderr, finish } = await startLogger(
    deps,
    parsed,
    container,
    ends,
  );
  const owned = new Descriptors();
  ends.release();
  owned.own(stdout);
  owned.own(stderr);
  return {
    stdout,
    stderr,
    async finish(budgetMs) {
      owned[Symbol.dispose]();
      await finish(budgetMs);
    },
    [Symbol.dispose]: () => owned[Symbol.dispose](),
  };
}
