/** Commands through a daemon's socket in a real terminal. */

import type { RemoteStore } from "./remote_store.ts";
import { PROGRAM } from "./program.ts";

/** What is typed when `seen` has been shown since the step before; `""`: at once. */
export interface TypingStep {
  readonly seen: string;
  readonly type: string;
}

export interface TerminalOutcome {
  readonly code: number;
  readonly shown: string;
}

/** In one of 33 rows and 77 columns, for 30 s at most. */
export async function inTerminal(
  { flags }: Pick<RemoteStore, "flags">,
  args: readonly string[],
  steps: readonly TypingStep[] = [],
): Promise<TerminalOutcome> {
  const words = [...PROGRAM, ...flags, ...args].map((word) => `'${word}'`);
  const command = `stty rows 33 cols 77; exec ${words.join(" ")}`;
  await using child = new Deno.Command("timeout", {
    args: [
      ...["30", "script", "--quiet", "--return", "--command", command],
      "/dev/null",
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
    env: { NO_COLOR: "1" },
  }).spawn();
  const writer = child.stdin.getWriter();
  const write = (text: string) => writer.write(new TextEncoder().encode(text));
  const waiting = [...steps];
  while (waiting[0]?.seen === "") await write(waiting.shift()?.type ?? "");
  let shown = "";
  let from = 0;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += text;
    const [step] = waiting;
    const at = step === undefined ? -1 : shown.indexOf(step.seen, from);
    if (step === undefined || at < 0) continue;
    waiting.shift();
    from = shown.length;
    await write(step.type);
  }
  const { code } = await child.status;
  await writer.close().catch(() => {});
  return { code, shown };
}
