/** Where a task's runtime is, and where it keeps its state. */

import type { Host } from "../core/host.ts";
import type { TaskRef } from "../core/task.ts";
import { findRuntime, type OciRuntime } from "./oci_runtime.ts";

/** @throws {EngineError} `failedPrecondition` with what to install */
export function runtimeOn(host: Host, name: string): OciRuntime {
  return findRuntime(name, {
    find: (name) => host.findProgram([name]),
    exists: (path) => host.exists(path),
  });
}

/** Where the runtime keeps its state. @param state the state directory */
export function runtimeRoot(state: string, { namespace }: TaskRef): string {
  return `${state}/runtime/${namespace}`;
}
