/** A command in a real terminal, with somebody who types. */
import { PROGRAM } from "./program.ts";

export interface Typing {
  /** What is shown before it is typed. */
  readonly seen: string;
  readonly type: string;
}

export interface TerminalOutcome {
  readonly code: number;
  readonly shown: string;
}

/** `coracle ARGS`, for 30 s at most; what is typed is echoed, too. */
export async function runInTerminal(
  args: readonly string[],
  steps: readonly Typing[],
): Promise<TerminalOutcome> {
  const words = [...PROGRAM, ...args].map((word) =>
    `'${word.replaceAll("'", `'\\''`)}'`
  );
  await using child = new Deno.Command("timeout", {
    args: [
      ...["30", "script", "--quiet", "--return", "--command"],
      ...[`exec ${words.join(" ")}`, "/dev/null"],
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
    env: { NO_COLOR: "1" },
  }).spawn();
  const writer = child.stdin.getWriter();
  const waiting = [...steps];
  let shown = "";
  let from = 0;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += text;
    const [step] = waiting;
    if (step === undefined || !shown.slice(from).includes(step.seen)) continue;
    waiting.shift();
    from = shown.length;
    await writer.write(new TextEncoder().encode(step.type));
  }
  const { code } = await child.status;
  await writer.close().catch(() => {});
  return { code, shown };
}
