/** What a client is told of a process. */

import type { ShimProcessState, ShimProcessStatus } from "../core/shim.ts";
import type { KeptContainer } from "./container.ts";
import type { KeptProcess } from "./kept_process.ts";

export function stateOf(
  container: KeptContainer,
  process: KeptProcess,
): ShimProcessState {
  const { stdin, stdout, stderr, terminal } = process.stdio;
  const { ref, pid, state } = process;
  return {
    ...ref,
    bundle: container.bundle,
    pid,
    status: statusOf(container, process),
    ...state.status === "stopped" ? { exit: state.exit } : {},
    ...{ stdin, stdout, stderr, terminal },
  };
}

function statusOf(
  container: KeptContainer,
  { state }: KeptProcess,
): ShimProcessStatus {
  if (state.status === "stopped") return "stopped";
  if (container.isPaused) return "paused";
  return state.status === "running" ? "running" : "created";
}
