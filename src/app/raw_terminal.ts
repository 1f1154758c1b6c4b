/** Our terminal while it shows a container's. */

import { makeRaw } from "../sys/pty.ts";

/**
 * Keys come as they are typed, and what the container writes is shown as it is:
 * its own terminal has added what lines need. Disposing ends that.
 * @throws {SysError} if standard input is none
 */
export function rawTerminal(): Disposable {
  return makeRaw(0);
}
