/** Deleting a container behind its shim's back. */

import type { Context } from "../../base/context.ts";
import { exitCodeOf, spawn } from "../../sys/process.ts";

export interface ForceDelete {
  /** The OCI runtime's; undefined if the shim has one of its own kind. */
  readonly program: string | undefined;
  /** Where that keeps the state of the container's namespace. */
  readonly root: string;
  readonly id: string;
  /** `NAME=value` */
  readonly env: readonly string[];
}

/** Kills it, too. It does nothing if there is no such container. */
export async function forceDelete(
  ctx: Context,
  { program, root, id, env }: ForceDelete,
): Promise<void> {
  if (program === undefined) return;
  const status = await spawn({
    path: program,
    args: ["--root", root, "delete", "--force", id],
    env,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    processGroup: "own",
  }).wait();
  const exitCode = exitCodeOf(status);
  if (exitCode === 0) return;
  ctx.log.debug("Cannot delete a container", { id, exitCode });
}
