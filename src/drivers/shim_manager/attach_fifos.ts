/**
 * Streams of a task that another program has started, and left: by their FIFOs,
 * as containerd's client does.
 */

import { EngineError } from "../../base/errors.ts";
import type { Context } from "../../base/context.ts";
import { sleep } from "../../base/sleep.ts";
import type { AttachInput, AttachOutput } from "../../core/keeper.ts";
import type { ShimProcessState } from "../../core/shim.ts";
import { fifoReaders } from "../../sys/fifo_readers.ts";
import { parentOf } from "../../sys/pidfd.ts";
import type { Poller } from "../../sys/poller.ts";
import { feedTask, type LoggedTask } from "./attach.ts";
import { FifoOutputs, type OutputPaths } from "./fifo_outputs.ts";
import type { TaskInput } from "./task_input.ts";

/** What is needed of a task that has its streams from somebody else. */
export interface StreamedTask extends Omit<LoggedTask, "bundle"> {
  state(ctx: Context): Promise<ShimProcessState>;
  openInput(): Promise<TaskInput | undefined>;
}

/** In which the shim passes on what was written last. */
const GOODBYE_MS = 1_000;

/**
 * To the end of this one of its lives; input is lost if it takes none.
 * @throws {EngineError} `unimplemented` if it has no FIFOs, or somebody reads
 * them: each would get a part of what it writes
 */
export async function* attachFifos(
  ctx: Context,
  poller: Poller,
  task: StreamedTask,
  stdin: "send" | "none",
  input: AsyncIterable<AttachInput>,
): AsyncGenerator<AttachOutput> {
  const state = await task.state(ctx);
  const paths = fifosOf(task.id, state);
  assertUnread(task.id, paths, state);
  using owned = new DisposableStack();
  const outputs = owned.use(new FifoOutputs(poller, paths));
  const target = stdin === "send" ? await task.openInput() : undefined;
  if (target !== undefined) owned.use(target);
  // Asked for before the end: afterwards its shim may have gone.
  const ended = task.wait(ctx);
  void feedTask(ctx, task, input, target);
  // Others may hold its streams open.
  void ended.then(() => sleep(GOODBYE_MS, ctx.signal))
    .catch(() => {}).then(() => outputs.end());
  yield* outputs;
  yield { kind: "exit", status: await ended };
}

function fifosOf(
  id: string,
  { stdout, stderr }: Pick<ShimProcessState, "stdout" | "stderr">,
): OutputPaths {
  const named = [["stdout", stdout], ["stderr", stderr]] as const;
  const paths = new Map(named.filter(([, path]) => path !== ""));
  if (paths.size === 0) throw writesNowhere(id);
  for (const path of paths.values()) {
    if (!isFifo(path)) throw cannotAttach(id, `it writes to "${path}"`);
  }
  return paths;
}

function isFifo(path: string): boolean {
  try {
    return path.startsWith("/") && Deno.statSync(path).isFifo === true;
  } catch {
    return false;
  }
}

/** Its shim reads, too, so that nobody's leaving ends the container. */
function assertUnread(
  id: string,
  paths: OutputPaths,
  { pid }: Pick<ShimProcessState, "pid">,
): void {
  const shim = parentOf(pid);
  // It has ended just now: its shim can't be told from others.
  if (shim === undefined) return;
  for (const path of paths.values()) {
    const other = fifoReaders(path).find((reader) => reader.pid !== shim);
    if (other === undefined) continue;
    const who = `"${other.name}", process ${other.pid}`;
    throw cannotAttach(id, `${who}, reads what it writes`);
  }
}

function writesNowhere(id: string): EngineError {
  return cannotAttach(
    id,
    "nobody here reads its output",
    "Run it in the foreground, or in the background with log driver " +
      "json-file, local or journald",
  );
}

function cannotAttach(id: string, why: string, hint?: string): EngineError {
  const text = `Cannot attach to container "${id}": ${why}`;
  return new EngineError("unimplemented", text, hint ? { hint } : {});
}
