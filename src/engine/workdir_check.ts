/** Looks for an exec's working directory, as `command_check` for its command. */

import type { RootDirectory } from "../core/host.ts";
import { START_FAILURE, TaskStartError } from "../core/start_failure.ts";
import type { SpecMount } from "../oci/runtime_spec.ts";
import { isMounted } from "./command_check.ts";

interface Workdir {
  readonly cwd: string;
  readonly root: RootDirectory;
  /** What is mounted over the root file system can't be looked into. */
  readonly mounts: readonly SpecMount[];
}

/** @throws {TaskStartError} in docker's words */
export function checkWorkdir({ cwd, root, mounts }: Workdir): void {
  if (!cwd.startsWith("/")) {
    throw refusal("exec failed: Cwd must be an absolute path");
  }
  if (isMounted(cwd, mounts)) return;
  const kind = root.stat(cwd)?.kind;
  if (kind === "directory") return;
  const reason = kind === undefined
    ? "no such file or directory"
    : "not a directory";
  throw refusal(
    "exec failed: unable to start container process: " +
      `chdir to cwd ("${cwd}") set in config.json failed: ${reason}`,
  );
}

function refusal(reason: string): TaskStartError {
  return new TaskStartError(
    START_FAILURE.notExecutable,
    `OCI runtime exec failed: ${reason}`,
  );
}
