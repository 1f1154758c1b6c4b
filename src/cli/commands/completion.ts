import { invalidArgument } from "../../base/errors.ts";
import type { Invocation } from "../command.ts";
import { bashScript, fishScript, zshScript } from "../completion.ts";
import { completionTree } from "../completion_tree.ts";
import { COMMANDS } from "../table.ts";

/** `coracle completion bash|zsh|fish` */
export async function run(inv: Invocation): Promise<number> {
  const tree = await completionTree(COMMANDS);
  const [shell = ""] = inv.args;
  switch (shell) {
    case "bash":
      inv.stdout.write(bashScript(tree));
      return 0;
    case "zsh":
      inv.stdout.write(zshScript(tree));
      return 0;
    case "fish":
      inv.stdout.write(fishScript(tree));
      return 0;
    default:
      throw invalidArgument(`Cannot write a completion for "${shell}"`, {
        hint: "The shells are bash, zsh and fish",
      });
  }
}
