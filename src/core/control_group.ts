/** Containers without a control group of their own, as an ordinary user's. */

import { type EngineError, failedPrecondition } from "../base/errors.ts";

/** @param attempt what takes one, for instance `pause container "c"` */
export function noControlGroup(attempt: string): EngineError {
  return failedPrecondition(`Cannot ${attempt}: it has no control group`, {
    hint: "Have control groups delegated to your user, with systemd for " +
      "instance, and start it again",
  });
}
