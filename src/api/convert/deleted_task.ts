/** What a shim's program says when it is called to clean up. */

import { DeleteResponse } from "../../../proto/gen/containerd/task/v2/shim.ts";
import type { ExitStatus } from "../../core/task.ts";
import { fromExit } from "./shim_task.ts";

/** What a shim's `delete` writes. */
export function decodeDeleted(
  bytes: Uint8Array,
): { readonly pid: number; readonly exit: ExitStatus } {
  const deleted = DeleteResponse.decode(bytes);
  return { pid: deleted.pid, exit: fromExit(deleted) };
}
