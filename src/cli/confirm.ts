import { failedPrecondition } from "../base/errors.ts";
import type { Invocation } from "./command.ts";
import { readLine } from "./read_line.ts";

/**
 * Asks before something is removed, unless `--force` was given.
 * @throws {EngineError} `failedPrecondition` if nobody is there to answer
 */
export async function confirm(
  inv: Invocation,
  warning: readonly string[],
): Promise<boolean> {
  if (inv.flags.boolean("force")) return true;
  inv.stderr.write(
    `${warning.join("\n")}\nAre you sure you want to continue? [y/N] `,
  );
  const answer = await readLine(inv.stdin.readable);
  if (answer === undefined) {
    inv.stderr.line();
    throw failedPrecondition(
      `Cannot run "coracle ${inv.commandPath}": no answer`,
      {
        hint: "Use --force where nobody can be asked",
      },
    );
  }
  return /^y(?:es)?$/i.test(answer.trim());
}
