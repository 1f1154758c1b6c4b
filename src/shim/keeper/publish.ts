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
export interface Publisher {
  readonly publish: Publish;
  /** Settles when all events so far are in the journal, or can't be. */
  settled(): Promise<void>;
}

export function createPublisher(
  { reaper, env }: { readonly reaper: Reaper; readonly env: readonly string[] },
): Publisher {
  let last: Promise<void> = Promise.resolve();
  return {
    publish(...event) {
      last = last.then(() => publishNow(...event)).catch(() => {});
    },
    settled: () => last,
  };

  async function publishNow(
    { namespace, publishCommand }: Parameters<Publish>[0],
    topic: string,
    event: Parameters<Publish>[2],
  ): Promise<void> {
    const [path = "", ...args] = publishCommand;
    const input = makePipe();
    // An event is shorter than what a pipe holds.
    writeSome(input.write, new TextEncoder().encode(JSON.stringify(event)));
    closeFd(input.write);
    try {
      const child = spawn({
        path,
        args: [...args, "--namespace", namespace, "--topic", topic],
        env,
        stdin: { fd: input.read },
        stdout: "null",
        stderr: "null",
        processGroup: "own",
      });
      await reaper.wait(child.pid);
    } finally {
      closeFd(input.read);
    }
  }
}
