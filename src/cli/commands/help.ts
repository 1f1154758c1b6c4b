import { type CommandEntry, type Invocation, isGroup } from "../command.ts";
import { UsageError } from "../flags.ts";
import { helpFor } from "../help.ts";
import { COMMANDS } from "../table.ts";

/** `coracle help [COMMAND]` */
export async function run(inv: Invocation): Promise<number> {
  let table: readonly CommandEntry[] = COMMANDS;
  let entry: CommandEntry | undefined;
  for (const word of inv.args) {
    entry = table.find((candidate) =>
      candidate.name === word ||
      (!isGroup(candidate) && candidate.aliases?.includes(word) === true)
    );
    if (entry === undefined) {
      const path = inv.args.join(" ");
      throw new UsageError(`unknown command: coracle ${path}`, { exitCode: 1 });
    }
    table = isGroup(entry) ? entry.commands : [];
  }
  inv.stdout.write(await helpFor(entry, inv.args.join(" "), COMMANDS));
  return 0;
}
