/** The command's side of our own shims: starting them, and calling them. */

import { EngineError } from "../base/errors.ts";
import {
  type Keepers,
  type KeepRequest,
  mayStandIn,
  type PendingShim,
  type ShimRecord,
} from "../core/keeper.ts";
import { TaskStartError } from "../core/start_failure.ts";
import type { Bundle } from "../core/task.ts";
import { closeFd, makePipe } from "../sys/descriptors.ts";
import { spawn } from "../sys/process.ts";
import { keepCommand, type ShimTask } from "./keep_command.ts";
import type { LaunchAnswer, LaunchOrder } from "./keeper_messages.ts";
import { standInShim } from "./stand_in_shim.ts";

export function createKeepers(env: () => readonly string[]): Keepers {
  return {
    spawn: (namespace, id, bundle) =>
      spawnShim(env(), { namespace, id, bundle }, socketIn({ path: bundle })),
    standIn: (bundle, request) => standIn(env(), bundle, request),
    connect: (_ctx, shim) => connect(shim),
  };
}

function socketIn({ path }: Pick<Bundle, "path">): string {
  return `${path}/shim.sock`;
}

/** Where no stand-in can be, a shim of its own can. */
function standIn(
  env: readonly string[],
  bundle: Bundle,
  request: KeepRequest,
): PendingShim | undefined {
  if (request.output === "held" || !mayStandIn(request.settings)) {
    return undefined;
  }
  try {
    const { namespace, id } = request;
    const instead = () =>
      spawnShim(env, { namespace, id, bundle: bundle.path }, socketIn(bundle));
    return standInShim({ env, instead }, bundle, request);
  } catch {
    return undefined;
  }
}

/** @param socket where it is to listen */
export function spawnShim(
  env: readonly string[],
  task: ShimTask,
  socket: string,
): PendingShim {
  return new SpawnedShim(env, task, `unix://${socket}`);
}

/** What speaks to shims is not needed to start them. */
async function connect(shim: ShimRecord) {
  const { connectKeeper } = await import("./keeper_connection.ts");
  return await connectKeeper(shim);
}

class SpawnedShim implements PendingShim {
  readonly #ours = new Set<number>();
  readonly #input: number;
  readonly #output: number;
  readonly #address: string;

  constructor(
    env: readonly string[],
    task: ShimTask,
    address: string,
  ) {
    this.#address = address;
    const input = makePipe();
    const output = makePipe();
    const [path, ...args] = keepCommand(task);
    try {
      spawn({
        path,
        args,
        env,
        stdin: { fd: input.read },
        stdout: { fd: output.write },
        // Ours would be held open: a runtime makes copies of its streams.
        stderr: "null",
        processGroup: "own",
        session: "new",
      });
    } finally {
      closeFd(input.read);
      closeFd(output.write);
    }
    this.#input = input.write;
    this.#output = output.read;
    this.#ours.add(input.write).add(output.read);
  }

  async launch(ctx: { signal: AbortSignal }, request: KeepRequest) {
    ctx.signal.throwIfAborted();
    const order: LaunchOrder = { request, address: this.#address };
    writeLine(this.#input, JSON.stringify(order));
    const text = await readAnswer(this.#output);
    this[Symbol.dispose]();
    if (text === "") {
      throw new EngineError(
        "internal",
        `Cannot start container "${request.id}": its shim ended at once`,
      );
    }
    return pidOf(JSON.parse(text));
  }

  [Symbol.dispose](): void {
    for (const fd of this.#ours) closeFd(fd);
    this.#ours.clear();
  }
}

/** A descriptor of ours, opened once more by means of the runtime. */
function pathOf(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

function writeLine(fd: number, line: string): void {
  using file = Deno.openSync(pathOf(fd), { write: true });
  const bytes = new TextEncoder().encode(`${line}\n`);
  try {
    for (let at = 0; at < bytes.length;) {
      at += file.writeSync(bytes.subarray(at));
    }
  } catch (error) {
    // The other side has ended: that is seen where its answer is read.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** One line; empty if the other side ended without one. */
async function readAnswer(fd: number): Promise<string> {
  using file = await Deno.open(pathOf(fd));
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.endsWith("\n")) {
    const count = await file.read(buffer);
    if (count === null) return "";
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  return text;
}

/** @throws {TaskStartError} {EngineError} */
function pidOf(answer: LaunchAnswer): number {
  if ("pid" in answer) return answer.pid;
  const { error, code, hint, exitCode } = answer;
  const options = hint === undefined ? {} : { hint };
  if (exitCode !== undefined) {
    throw new TaskStartError(exitCode, error, options);
  }
  throw new EngineError(code, error, options);
}
