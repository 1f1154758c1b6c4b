/** What a command has left beside a container that it had a daemon start. */

import { ATTACH_SOCKET } from "../../base/container_log/attach_frame.ts";
import type { TaskRef } from "../../core/task.ts";
import { bundlePath } from "../../runtime/bundles.ts";
import type { StorePaths } from "../paths.ts";
import { isThere } from "../../sys/is_there.ts";
import { namesIn } from "../../sys/names_in.ts";

/**
 * Of any daemon's: names of containers that commands make are unique.
 * @returns directory of the bundle in which its logger listens
 */
export function bundleOfCommands(
  { state }: StorePaths,
  task: TaskRef,
): string | undefined {
  const all = `${state}/remote`;
  for (const name of namesIn(all)) {
    const bundle = bundlePath(`${all}/${name}`, task);
    if (isThere(`${bundle}/${ATTACH_SOCKET}`)) return bundle;
  }
  return undefined;
}
