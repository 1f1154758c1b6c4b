/** What a run leaves behind: the runtime's own state and the control groups. */

import type { KeepRequest } from "../../core/keeper.ts";
import type { RuntimeControl } from "../../runtime/control.ts";
import { forgetStopped } from "../../runtime/forget.ts";

export async function forgetRun(
  control: RuntimeControl,
  { id, runtime, runtimeRoot }: KeepRequest,
): Promise<void> {
  const isGone = programName(runtime) === "runc" &&
    forgetStopped(`${runtimeRoot}/${id}`);
  if (isGone) return;
  try {
    await control.delete(id, "force");
  } catch {
    // Whoever finishes the bundle tries again, and says so.
  }
}

export function programName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
