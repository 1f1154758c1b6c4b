/** Telling the journal, through a command that opens the store. */

import type { KeepRequest } from "../../core/keeper.ts";
import { closeFd, makePipe, writeSome } from "../../sys/descriptors.ts";
import { spawn } from "../../sys/process.ts";
import type { Reaper } from "../../sys/reaper.ts";

export type Publish = (
  request: Pick<KeepRequest, "namespace" | "publishCommand">,
  topic: string,
  event: Readonly<Record<string, unknown>>,
) => void;

/** Events are published one after the other, in the order of the calls. */
export function createPublisher(
  { reaper, env }: { readonly reaper: Reaper; readonly env: readonly string[] },
): Publish {
  let last: Promise<unknown> = Promise.resolve();
  return (request, topic, event) => {
    last = last.then(() => publish(request, topic, event)).catch(() => {});
  };

  async function publish(
    { namespace, publishCommand }: Parameters<Publish>[0],
    topic: string,
    event: Parameters<Publish>[2],
  ): Promise<void> {
    const [path = "", ...args] = publishCommand;
    const input = makePipe();
    // An event is shorter than what a pipe holds.
    writeSome(input.write, new TextEncoder().encode(JSON.stringify(event)));
    closeFd(input.write);
    const child = spawn({
      path,
      args: [...args, "--namespace", namespace, "--topic", topic],
      env,
      stdin: { fd: input.read },
      stdout: "null",
      stderr: "null",
      processGroup: "own",
    });
    closeFd(input.read);
    await reaper.wait(child.pid);
  }
}
