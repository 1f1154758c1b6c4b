/** A container that is kept, as containerd's task service shows it. */

import type { ShimProcessState } from "../../core/shim.ts";
import { groupPids, isFrozen, processesOf } from "../../runtime/cgroup.ts";
import type { KeptContainer } from "./kept_container.ts";

/** Numbers on the host of all its processes. */
export function allPids({ pid, group }: KeptContainer): readonly number[] {
  if (pid === 0) return [];
  return group === undefined ? processesOf(pid) : groupPids(group);
}

/** What waits for its next start has stopped, as far as anybody can see. */
export function initState(
  { status, group, request }: KeptContainer,
): Omit<ShimProcessState, "id" | "execId" | "bundle"> {
  const { pid, exit } = status;
  const isPaused = group !== undefined && isFrozen(group) === true;
  const ended = pid !== 0 || exit === undefined ? {} : {
    exit: { exitCode: exit.exitCode, exitedAt: new Date(exit.exitedAt) },
  };
  return {
    pid,
    status: pid === 0 ? "stopped" : isPaused ? "paused" : "running",
    ...ended,
    // Nobody but us has its streams.
    ...{ stdin: "", stdout: "", stderr: "" },
    terminal: request.settings.stdio === "terminal",
  };
}
