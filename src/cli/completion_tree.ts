/** The command table as the completion scripts need it. */

import {
  type CommandEntry,
  type CommandSpec,
  type Completion,
  type FlagSpec,
  isGroup,
} from "./command.ts";
import { GLOBAL_FLAGS, HELP_FLAG, VERSION_FLAG } from "./global_flags.ts";
import { flagsOf } from "./parse.ts";

/** What can follow the words `path`. */
export interface CompletionNode {
  /** `""` for the program, `image`, `image ls`. */
  readonly path: string;
  readonly words: readonly { readonly name: string; readonly help: string }[];
  readonly flags: readonly FlagSpec[];
  /** What completes the positionals. */
  readonly completion: Completion;
}

export async function completionTree(
  table: readonly CommandEntry[],
): Promise<readonly CompletionNode[]> {
  const shown = table.filter((entry) => entry.hidden !== true);
  const nodes: CompletionNode[] = [{
    path: "",
    words: shown.map(({ name, summary }) => ({ name, help: summary })),
    flags: [...GLOBAL_FLAGS, HELP_FLAG, VERSION_FLAG],
    completion: "none",
  }];
  for (const entry of shown) {
    if (!isGroup(entry)) {
      nodes.push(await commandNode(entry, entry.name));
      continue;
    }
    const commands = entry.commands.filter((c) => c.hidden !== true);
    nodes.push({
      path: entry.name,
      words: commands.map(({ name, summary }) => ({ name, help: summary })),
      flags: [HELP_FLAG],
      completion: "none",
    });
    for (const command of commands) {
      nodes.push(await commandNode(command, `${entry.name} ${command.name}`));
    }
  }
  return nodes;
}

async function commandNode(
  spec: CommandSpec,
  path: string,
): Promise<CompletionNode> {
  const flags = await flagsOf(spec);
  return {
    path,
    words: [],
    flags: [...flags.filter((flag) => flag.hidden !== true), HELP_FLAG],
    completion: spec.completion ?? "none",
  };
}
