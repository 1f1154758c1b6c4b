/** The command line of a containerd shim. @see containerd, runtime v2 */

import { unimplemented } from "../base/errors.ts";

/** @returns the exit code */
export function runShimCommand(_args: readonly string[]): Promise<number> {
  throw unimplemented("run the shim's verbs");
}
