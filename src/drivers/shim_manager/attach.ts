/**
 * Seeing what a container writes whose shim is not ours: by our logger; and
 * telling it something by a FIFO, if its shim reads one.
 */

import {
  ATTACH_SOCKET,
  FrameReader,
  HEADER_BYTES,
} from "../../base/container_log/attach_frame.ts";
import { EngineError } from "../../base/errors.ts";
import type { Context } from "../../base/context.ts";
import type { AttachInput, AttachOutput } from "../../core/keeper.ts";
import type { ExitStatus } from "../../core/task.ts";
import { isThere } from "../../sys/is_there.ts";
import { shortPath } from "./sockets.ts";
import type { TaskInput } from "./task_input.ts";

const READ_BYTES = 64 * 1024;

/** What is needed of a task whose output our logger reads. */
export interface LoggedTask {
  readonly id: string;
  /** The bundle's directory. */
  readonly bundle: string;
  wait(ctx: Context): Promise<ExitStatus>;
  resize(
    ctx: Context,
    size: { readonly columns: number; readonly rows: number },
  ): Promise<void>;
  /** Undefined if it takes none. */
  openInput?(): Promise<TaskInput | undefined>;
}

/**
 * To the end of the task.
 * @param connection made before, by `connectLogger`
 * @throws {EngineError} `unimplemented` without a logger, and for input to one
 * that takes none
 */
export async function* attachToLogger(
  ctx: Context,
  task: LoggedTask,
  stdin: "send" | "none",
  input: AsyncIterable<AttachInput>,
  connection?: Deno.UnixConn,
): AsyncGenerator<AttachOutput> {
  using owned = new DisposableStack();
  const target = stdin === "send" ? owned.use(await inputOf(task)) : undefined;
  const logger = connection ?? await greetedBy(task);
  // Asked for before the end: afterwards its shim may have gone.
  const ended = task.wait(ctx);
  ended.catch(() => {});
  void feedTask(ctx, task, input, target);
  yield* loggedOutputs(logger, ctx.signal);
  yield { kind: "exit", status: await ended };
}

/** Before the task is told anything: what it answers would not be seen. */
async function greetedBy({ id, bundle }: LoggedTask): Promise<Deno.UnixConn> {
  const logger = await connectLogger(id, bundle);
  await whenGreeted(logger);
  return logger;
}

/** @throws {EngineError} `unimplemented` */
async function inputOf(task: LoggedTask): Promise<TaskInput> {
  const input = await task.openInput?.();
  if (input === undefined) throw takesNoInput(task.id);
  return input;
}

/** What the task can't be told any more, because it has ended, is left out. */
export async function feedTask(
  ctx: Context,
  task: Pick<LoggedTask, "id" | "resize">,
  input: AsyncIterable<AttachInput>,
  target: TaskInput | undefined,
): Promise<void> {
  for await (const it of input) {
    try {
      if (it.kind === "stdin") await target?.write(it.bytes);
      else if (it.kind === "endOfStdin") await target?.end();
      else await task.resize(ctx, { columns: it.columns, rows: it.rows });
    } catch (error) {
      ctx.log.debug("Cannot tell a task", { id: task.id, error });
    }
  }
}

/** Whether a logger of ours reads what the task writes, or did. */
export function hasLogger(bundle: string): boolean {
  return isThere(`${bundle}/${ATTACH_SOCKET}`);
}

/** Waits until the logger shows all that comes. */
export async function whenGreeted(connection: Deno.UnixConn): Promise<void> {
  const greeting = new Uint8Array(HEADER_BYTES);
  for (let rest = greeting; rest.length > 0;) {
    const count = await connection.read(rest);
    if (count === null) return;
    rest = rest.subarray(count);
  }
}

/** @throws {EngineError} `unimplemented` if it has no logger of ours */
export async function connectLogger(
  id: string,
  bundle: string,
): Promise<Deno.UnixConn> {
  using address = shortPath(`${bundle}/${ATTACH_SOCKET}`);
  try {
    return await Deno.connect({ transport: "unix", path: address.path });
  } catch (cause) {
    throw new EngineError(
      "unimplemented",
      `Cannot attach to container "${id}": nobody here reads its output`,
      {
        cause,
        hint: "Run it in the foreground, or in the background with log " +
          "driver json-file, local or journald",
      },
    );
  }
}

/** Until the container's streams end or `gone` fires. */
async function* loggedOutputs(
  connection: Deno.UnixConn,
  gone: AbortSignal,
): AsyncGenerator<AttachOutput> {
  using stack = new DisposableStack();
  stack.use(connection);
  const leave = () => void connection.closeWrite().catch(() => {});
  gone.addEventListener("abort", leave, { once: true });
  stack.defer(() => gone.removeEventListener("abort", leave));
  const frames = new FrameReader();
  const buffer = new Uint8Array(READ_BYTES);
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return;
    for (const { stream, bytes } of frames.push(buffer.subarray(0, count))) {
      if (bytes.length > 0) yield { kind: stream, bytes };
    }
  }
}

/** A logger reads only, and its shim has no FIFO. */
function takesNoInput(id: string): EngineError {
  return new EngineError(
    "unimplemented",
    `Cannot send input to container "${id}": its shim takes none from here`,
    { hint: `See only what it writes: coracle attach --no-stdin ${id}` },
  );
}
