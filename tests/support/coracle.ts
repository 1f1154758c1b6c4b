/** The whole program as a person calls it, on a store of its own. */
import { programCommand } from "./program.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CallOptions {
  readonly stdin?: string | Uint8Array<ArrayBuffer>;
  readonly env?: Readonly<Record<string, string>>;
}

/** A store in a temporary directory, removed when disposed. */
export interface TestStore extends AsyncDisposable {
  readonly dir: string;
  /** Calls `coracle ARGS` on this store. */
  call(args: readonly string[], options?: CallOptions): Promise<Outcome>;
  /** Starts a call, with its standard output to be read. */
  start(args: readonly string[]): Deno.ChildProcess;
  /** As `call`; standard output of a call that must succeed. */
  ok(...args: readonly string[]): Promise<string>;
}

export async function openTestStore(): Promise<TestStore> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-cli-" });
  const store = ["--root", `${dir}/root`, "--state", `${dir}/state`];
  const call = (args: readonly string[], options: CallOptions = {}) =>
    coracle([...store, ...args], options);
  return {
    dir,
    call,
    start: (args) =>
      programCommand([...store, ...args], { stdout: "piped", stderr: "null" })
        .spawn(),
    ok: async (...args) => {
      const outcome = await call(args);
      if (outcome.code === 0) return outcome.stdout;
      throw new Error(
        `coracle ${args.join(" ")} ended with ${outcome.code}: ` +
          outcome.stderr,
      );
    },
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

/** Calls the program without a store of its own. */
export async function coracle(
  args: readonly string[],
  { stdin, env }: CallOptions = {},
): Promise<Outcome> {
  const child = programCommand(args, {
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1", ...env },
  }).spawn();
  const [output] = await Promise.all([child.output(), feed(child, stdin)]);
  const decoder = new TextDecoder();
  return {
    code: output.code,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
}

/** Starts the program without a store of its own; nobody hears it. */
export function startCoracle(args: readonly string[]): Deno.ChildProcess {
  const options = { stdin: "null", stdout: "null", stderr: "null" } as const;
  return programCommand(args, options).spawn();
}

async function feed(
  child: Deno.ChildProcess,
  stdin: CallOptions["stdin"],
): Promise<void> {
  if (stdin === undefined) return;
  const writer = child.stdin.getWriter();
  try {
    await writer.write(
      typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin,
    );
    await writer.close();
  } catch {
    // It may end without having read everything.
  }
}
