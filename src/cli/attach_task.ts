/** Connects our streams with those of a task that a shim keeps. */

import type { AttachInput } from "../core/keeper.ts";
import type { ExitStatus, Task } from "../core/task.ts";
import { SIGNALS } from "../base/signals.ts";
import { rawTerminal } from "../app/raw_terminal.ts";
import type { Invocation } from "./command.ts";
import { DetachKeys, parseDetachKeys } from "./detach_keys.ts";
import { readAhead } from "./read_ahead.ts";

export interface AttachStyle {
  readonly stdin: "open" | "closed";
  /** Whether the container has a terminal. */
  readonly stdio: "terminal" | "streams";
  /** Whether signals that we get are the container's. */
  readonly signals?: "pass" | "keep";
  /** As docker writes them. */
  readonly detachKeys?: string;
  /** Which of its output is shown; all of it if absent. */
  readonly streams?: ReadonlySet<string>;
}

/** `detached`: it goes on without us. */
export type AttachEnd = ExitStatus | "detached";

const PASSED = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"];

/**
 * Until it ends or its user detaches; who sees none of its output stays only
 * for as long as there is input.
 */
export async function attachTask(
  inv: Invocation,
  task: Task,
  style: AttachStyle,
): Promise<AttachEnd> {
  using owned = new DisposableStack();
  const inputs = new InputQueue();
  const keys = new DetachKeys(parseDetachKeys(style.detachKeys));
  if (style.stdio === "terminal") watchSize(owned, inputs);
  const usesTerminal = style.stdio === "terminal" && inv.stdin.isTerminal &&
    style.stdin === "open";
  if (usesTerminal) owned.use(rawTerminal());
  else if (style.signals !== "keep") passSignals(owned, inv, task);
  const detached = Promise.withResolvers<"detached">();
  const fed = style.stdin === "open"
    ? feed(inputs, usesTerminal ? keys : undefined, detached.resolve)
    : Promise.resolve();
  void fed.then(() => {
    if (!seesOutput(style)) detached.resolve("detached");
  });
  const ended = show(inv, task, style, inputs);
  return await Promise.race([ended, detached.promise]);
}

/**
 * As docker's: to leave a container that one has just made is no failure, and
 * who sees nothing of it is told its id.
 */
export async function attachNew(
  inv: Invocation,
  task: Task,
  style: AttachStyle,
): Promise<ExitStatus> {
  if (!seesOutput(style)) inv.stdout.line(task.id);
  const end = await attachTask(inv, task, style);
  return end === "detached" ? { exitCode: 0, exitedAt: inv.now() } : end;
}

function seesOutput({ streams }: Pick<AttachStyle, "streams">): boolean {
  return streams === undefined || streams.has("stdout") ||
    streams.has("stderr");
}

/** Until the container ends. */
async function show(
  inv: Invocation,
  task: Task,
  { stdin, streams }: AttachStyle,
  inputs: InputQueue,
): Promise<ExitStatus> {
  const mode = stdin === "open" ? "send" : "none";
  const outputs = task.attach(inv.ctx, mode, inputs);
  const ended = task.wait(inv.ctx).then(() => {}, () => {});
  for await (const output of readAhead(outputs, ended)) {
    switch (output.kind) {
      case "stdout":
      case "stderr":
        if (streams?.has(output.kind) ?? true) {
          await inv[output.kind].writeMeanwhile(output.bytes);
        }
        break;
      case "exit":
        return output.status;
      default:
        output satisfies never;
    }
  }
  // Its shim has gone without a word: what is on the disk counts.
  return await task.wait(inv.ctx);
}

/** What goes to the container, as it comes. */
class InputQueue implements AsyncIterable<AttachInput> {
  readonly #waiting: AttachInput[] = [];
  #wake: () => void = () => {};
  #taken: () => void = () => {};

  push(input: AttachInput): void {
    this.#waiting.push(input);
    this.#wake();
  }

  /** Settles when the container has been given all of it. */
  async drained(): Promise<void> {
    do {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#taken = resolve;
      await promise;
    } while (this.#waiting.length > 0);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<AttachInput> {
    for (;;) {
      const input = this.#waiting.shift();
      if (input !== undefined) {
        try {
          yield input;
        } finally {
          this.#taken();
        }
        continue;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }
}

const READ_BYTES = 64 * 1024;

async function feed(
  inputs: InputQueue,
  keys: DetachKeys | undefined,
  detach: (end: "detached") => void,
): Promise<void> {
  const buffer = new Uint8Array(READ_BYTES);
  for (;;) {
    const count = await Deno.stdin.read(buffer);
    if (count === null) {
      inputs.push({ kind: "endOfStdin" });
      return await inputs.drained();
    }
    const bytes = buffer.slice(0, count);
    const passed = keys === undefined ? bytes : keys.filter(bytes);
    if (passed === "detach") return detach("detached");
    if (passed.length === 0) continue;
    inputs.push({ kind: "stdin", bytes: passed });
    await inputs.drained();
  }
}

function watchSize(owned: DisposableStack, inputs: InputQueue): void {
  const tell = () => {
    try {
      inputs.push({ kind: "size", ...Deno.consoleSize() });
    } catch {
      // Nobody sees it: it may have any size.
    }
  };
  tell();
  Deno.addSignalListener("SIGWINCH", tell);
  owned.defer(() => Deno.removeSignalListener("SIGWINCH", tell));
}

function passSignals(
  owned: DisposableStack,
  inv: Invocation,
  task: Task,
): void {
  for (const name of PASSED as readonly (keyof typeof SIGNALS)[]) {
    const pass = () => {
      // One that has ended has nothing to be told.
      task.kill(inv.ctx, SIGNALS[name], "init").catch(() => {});
    };
    Deno.addSignalListener(name, pass);
    owned.defer(() => Deno.removeSignalListener(name, pass));
  }
}
