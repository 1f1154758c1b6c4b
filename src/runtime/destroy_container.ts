/** Ending and deleting a container, whatever has become of it. */

import { unavailable } from "../base/errors.ts";
import type { BundleRecord } from "../core/task.ts";
import { exitCodeOf } from "../sys/process.ts";
import { bundlePath } from "./bundles.ts";
import { forgetGroups } from "./forget.ts";
import { killRuntimesOf } from "./orphans.ts";
import type { RuntimePrograms } from "./runtime_programs.ts";

/** Runtimes whose state of a container is a directory of its id in their root. */
const KEEP_BY_ID: readonly string[] = ["runc", "crun"];

/**
 * @param state the state directory
 * @throws {EngineError} `unavailable` if its runtime can't; `failedPrecondition`
 * if that is missing
 */
export async function destroyContainer(
  programs: RuntimePrograms,
  state: string,
  record: BundleRecord,
): Promise<void> {
  // One that is still at work would make what is about to be deleted.
  const bundle = bundlePath(state, record);
  await killRuntimesOf(bundle);
  if (hasNothing(programs, record)) return forgetGroups(bundle);
  const runtime = programs.find(record.runtime);
  const args = programs.commands(record).delete(record.id, "force");
  // Forced, it succeeds also if there is no such container.
  const code = exitCodeOf(await programs.call(runtime, args));
  if (code === 0) return forgetGroups(bundle);
  throw unavailable(
    `Cannot delete container "${record.id}" with ${runtime.name}`,
  );
}

/** True if it has nothing to delete, which it would take time to say. */
function hasNothing(programs: RuntimePrograms, record: BundleRecord): boolean {
  const runtime = programs.findIfThere(record.runtime);
  // It may have been there when the container was started.
  if (runtime === undefined) return !programs.hasTraces(record);
  return KEEP_BY_ID.includes(runtime.name) && !programs.knows(record);
}
