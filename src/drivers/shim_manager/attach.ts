/** Seeing what a container writes whose shim is not ours: by our logger. */

import {
  ATTACH_SOCKET,
  FrameReader,
} from "../../base/container_log/attach_frame.ts";
import { EngineError } from "../../base/errors.ts";
import type { AttachOutput } from "../../core/keeper.ts";
import { shortPath } from "./sockets.ts";

const READ_BYTES = 64 * 1024;

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

/** From now on, until the container's streams end or `gone` fires. */
export async function* loggedOutputs(
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
      yield { kind: stream, bytes };
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
