/** How this executable is called to be a shim of our own command line. */

import { selfCommand } from "./self.ts";

/** For whom a shim is started; others who look at processes see it. */
export interface ShimTask {
  readonly namespace: string;
  readonly id: string;
  /** Absolute path. */
  readonly bundle: string;
}

/** @returns path and arguments; more may follow */
export function keepCommand(
  { namespace, id, bundle }: ShimTask,
): readonly [string, ...string[]] {
  const [path = "", ...args] = selfCommand();
  return [
    path,
    ...[...args, "shim", "keep"],
    ...["-namespace", namespace, "-id", id, "-bundle", bundle],
  ];
}
