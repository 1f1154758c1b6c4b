/** `coracle top` */

import { EngineError } from "../../base/errors.ts";
import { findContainer } from "../../engine/inspect_find.ts";
import { runningTask } from "../../engine/running_task.ts";
import type { Invocation } from "../command.ts";

/** `coracle top CONTAINER [PS OPTIONS]`: what the host's ps says of it. */
export async function run(inv: Invocation): Promise<number> {
  const { ctx } = inv;
  const [name = "", ...options] = inv.args;
  const services = await inv.services();
  const container = await findContainer(ctx, services, name);
  const running = await runningTask(ctx, services, container, "list");
  const pids = new Set(await running.use((task) => task.pids(ctx)));
  const args = options.length === 0 ? ["-ef"] : options;
  const lines = (await hostPs(args)).split("\n").filter(Boolean);
  const [heading = "", ...processes] = lines;
  const column = heading.trim().split(/\s+/).indexOf("PID");
  if (column < 0) {
    throw new EngineError(
      "invalidArgument",
      `Cannot find the PID field in what ps ${args.join(" ")} says`,
      { hint: "Ask for it, for instance with -o pid,args" },
    );
  }
  inv.stdout.line(heading);
  for (const line of processes) {
    const pid = Number(line.trim().split(/\s+/)[column]);
    if (pids.has(pid)) inv.stdout.line(line);
  }
  return 0;
}

async function hostPs(args: readonly string[]): Promise<string> {
  const decoder = new TextDecoder();
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command("ps", { args: [...args], stdin: "null" })
      .output();
  } catch (cause) {
    throw new EngineError("failedPrecondition", 'Cannot run "ps"', {
      cause,
      hint: "Install it: apt-get install procps",
    });
  }
  if (output.success) return decoder.decode(output.stdout);
  throw new EngineError(
    "invalidArgument",
    `Cannot list processes with ps ${args.join(" ")}: ` +
      decoder.decode(output.stderr).trim().split("\n")[0],
  );
}
