/**
 * `coracle system keep-streams PID`: started when the user of a process's
 * terminal leaves it, with what the process writes as its standard input.
 */

import { drainLeftStreams } from "../../app/left_streams.ts";
import type { Invocation } from "../command.ts";

export async function run({ args: [pid] }: Invocation): Promise<number> {
  await drainLeftStreams(Number(pid));
  return 0;
}
