/**
 * The state directory of an ordinary user follows the login, the store does
 * not: another login, a cron job, `su` must look where the first command of
 * this boot did, or they would not see what runs.
 */

import { writeWhole } from "../sys/write_whole.ts";
import { type StorePaths, writingTo } from "./paths.ts";

/** In the root: the boot and the directory, a line each. */
const FILE = "state-directory";

type Env = (name: string) => string | undefined;

/** True if the user says where the state is. */
export function isStateChosen(
  env: Env,
  ...chosen: readonly (string | undefined)[]
): boolean {
  return chosen.some((path) => path !== undefined) ||
    (env("CORACLE_STATE") ?? "") !== "";
}

/** The paths with the state directory that this boot's commands use. */
export function withSameState(paths: StorePaths): StorePaths {
  const known = readKnown(paths.root);
  return known === undefined || !isDirectory(known)
    ? paths
    : { ...paths, state: known };
}

/**
 * Lets later commands look where this one does.
 * @throws {EngineError} `permissionDenied` in a root that is for others
 */
export function rememberState({ root, state }: StorePaths): void {
  if (readKnown(root) === state) return;
  const text = `${bootId()}\n${state}\n`;
  writingTo(root, () => writeWhole(`${root}/${FILE}`, text));
}

/** Undefined if there is none of this boot. */
function readKnown(root: string): string | undefined {
  try {
    const [boot, state] = Deno.readTextFileSync(`${root}/${FILE}`).split("\n");
    return boot === bootId() ? state : undefined;
  } catch (error) {
    const isAbsent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.PermissionDenied;
    if (isAbsent) return undefined;
    throw error;
  }
}

/** It ends with the login session, unless the user lingers. */
function isDirectory(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch {
    return false;
  }
}

function bootId(): string {
  return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
}
