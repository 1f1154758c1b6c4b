/** One call of an OCI runtime: a child process, and what it says. */

import {
  type Child,
  type ChildStatus,
  type ChildStream,
  exitCodeOf,
  spawn,
  type SpawnOptions,
} from "../sys/process.ts";
import type { EarlyRuntime } from "./early_runtime.ts";
import { lastError } from "./start_failure.ts";

export interface RuntimeCaller {
  /** Absolute path of the runtime. */
  readonly path: string;
  /** Of the runtime, `NAME=value`. */
  readonly env: readonly string[];
  /** How a child ended: `waitFor`, or a reaper's `wait`. */
  readonly wait: (pid: number) => Promise<ChildStatus>;
  /** Starts it where it is not to be a child of ours. */
  readonly begin?: (program: SpawnOptions) => Child;
}

export interface RuntimeCall {
  readonly args: readonly string[];
  /** File in which it says what goes wrong, as JSON; removed afterwards. */
  readonly log: string;
  /** None of its own if absent. */
  readonly streams?: RuntimeStreams;
}

export interface RuntimeStreams {
  readonly stdin: ChildStream;
  readonly stdout: ChildStream;
  readonly stderr: ChildStream;
}

const NULL = { stdin: "null", stdout: "null", stderr: "null" } as const;

/**
 * @param early the same call, begun before
 * @returns what went wrong, in the runtime's words
 */
export async function callRuntime(
  caller: RuntimeCaller,
  call: RuntimeCall,
  early?: EarlyRuntime,
): Promise<string | undefined> {
  const { log } = call;
  const status = await early?.finish() ??
    await runToEnd(caller, programOf(caller, call));
  const code = exitCodeOf(status);
  const said = code === 0 ? undefined : lastError(readIfThere(log));
  removeIfThere(log);
  return code === 0 ? undefined : said ?? `it ended with exit code ${code}`;
}

async function runToEnd(
  { begin, wait }: RuntimeCaller,
  program: SpawnOptions,
): Promise<ChildStatus> {
  return begin === undefined
    ? await wait(spawn(program).pid)
    : await begin(program).wait();
}

export function programOf(
  { path, env }: RuntimeCaller,
  { args, streams = NULL }: RuntimeCall,
): SpawnOptions {
  const { stdin, stdout, stderr } = streams;
  return {
    ...{ path, args, env, stdin, stdout, stderr },
    processGroup: "own",
  };
}

/** For its owner only. */
export function writePrivate(path: string, text: string): void {
  Deno.writeTextFileSync(path, text, { mode: 0o600 });
}

export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // The bundle may have gone, or the runtime have said nothing.
    return "";
  }
}
