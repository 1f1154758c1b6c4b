/**
 * Looks for the command before the runtime does, so that the commonest mistake
 * gets its message and exit code at once and only once: the runtime would
 * write to the container's own standard error.
 */

import type { RootDirectory } from "../core/host.ts";
import { START_FAILURE, TaskStartError } from "../core/start_failure.ts";
import type { SpecMount } from "../oci/runtime_spec.ts";

interface Command {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly root: RootDirectory;
  /** What is mounted over the root file system can't be looked into. */
  readonly mounts: readonly SpecMount[];
}

/** @throws {TaskStartError} */
export function checkCommand(command: Command): void {
  const refusal = commandRefusal(command);
  if (refusal !== undefined) throw refusal;
}

/** Why the command can't be started, as far as that can be seen from here. */
export function commandRefusal(command: Command): TaskStartError | undefined {
  const [name = ""] = command.args;
  const candidates = name.includes("/")
    ? [name.startsWith("/") ? name : `${command.cwd}/${name}`]
    : searchPath(command.env).map((directory) => `${directory}/${name}`);
  const { root, mounts } = command;
  if (candidates.some((path) => isMounted(path, mounts))) return undefined;
  const found = candidates.map((path) => root.stat(path));
  if (found.some((entry) => entry?.kind === "file" && isExecutable(entry))) {
    return undefined;
  }
  // A link may lead to where something is mounted.
  const ends = candidates.map((path) => root.resolve(path));
  if (ends.some((path) => isMounted(path, mounts))) return undefined;
  return found.some((entry) => entry !== undefined) && name.includes("/")
    ? cannotExecute(name)
    : doesNotExist(name);
}

function searchPath(env: readonly string[]): readonly string[] {
  const path = env.find((entry) => entry.startsWith("PATH="))?.slice(5) ?? "";
  return path.split(":").filter((directory) => directory.startsWith("/"));
}

/** Whether something that is mounted may have it. */
export function isMounted(path: string, mounts: readonly SpecMount[]): boolean {
  return mounts.some(({ destination }) =>
    path === destination || path.startsWith(`${destination}/`)
  );
}

function isExecutable({ mode }: { readonly mode: number }): boolean {
  return (mode & 0o111) !== 0;
}

export function doesNotExist(name: string): TaskStartError {
  return new TaskStartError(
    START_FAILURE.notFound,
    name.includes("/")
      ? `exec: "${name}": stat ${name}: no such file or directory`
      : `exec: "${name}": executable file not found in $PATH`,
  );
}

export function cannotExecute(name: string): TaskStartError {
  return new TaskStartError(
    START_FAILURE.notExecutable,
    `exec: "${name}": permission denied`,
  );
}
