/** From the command line to the daemon, which is another program. */

import { replaceProcess } from "../sys/exec.ts";
import { selfCommand } from "./self.ts";

/** @param args what follows `daemon` @throws {SysError} */
export function becomeDaemon(args: readonly string[]): never {
  const [path = "", ...rest] = selfCommand();
  return replaceProcess(
    path,
    ["coracle", ...rest, "daemon", ...args],
    Deno.env.toObject(),
  );
}
