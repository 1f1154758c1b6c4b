/** Seeing what a container writes whose shim is not ours: by our logger. */

import {
  ATTACH_SOCKET,
  FrameReader,
  HEADER_BYTES,
} from "../../base/container_log/attach_frame.ts";
import { EngineError } from "../../base/errors.ts";
import type { Context } from "../../base/context.ts";
import type { AttachInput, AttachOutput } from "../../core/keeper.ts";
import type { ExitStatus } from "../../core/task.ts";
import { shortPath } from "./sockets.ts";

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
}

/**
 * To the end of the task.
 * @param connection made before, by `connectLogger`
 * @throws {EngineError} `unimplemented` for input, or without a logger
 */
export async function* attachToLogger(
  ctx: Context,
  task: LoggedTask,
  stdin: "send" | "none",
  input: AsyncIterable<AttachInput>,
  connection?: Deno.UnixConn,
): AsyncGenerator<AttachOutput> {
  if (stdin === "send") throw takesNoInput(task.id);
  const logger = connection ?? await connectLogger(task.id, task.bundle);
  // Asked for before the end: afterwards its shim may have gone.
  const ended = task.wait(ctx);
  ended.catch(() => {});
  void followSize(ctx, task, input);
  yield* loggedOutputs(logger, ctx.signal);
  yield { kind: "exit", status: await ended };
}

async function followSize(
  ctx: Context,
  task: LoggedTask,
  input: AsyncIterable<AttachInput>,
): Promise<void> {
  for await (const it of input) {
    if (it.kind !== "size") continue;
    const { columns, rows } = it;
    // It has no terminal, or has just ended.
    await task.resize(ctx, { columns, rows }).catch(() => {});
  }
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

/** A logger reads only, and shims of others have their input from nobody. */
export function takesNoInput(id: string): EngineError {
  return new EngineError(
    "unimplemented",
    `Cannot send input to container "${id}": its shim takes none from here`,
    { hint: `See only what it writes: coracle attach --no-stdin ${id}` },
  );
}
