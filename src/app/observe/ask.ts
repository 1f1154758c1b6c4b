/** Asking a daemon at its debug socket. */

import { EngineError, type ErrorCode, unavailable } from "../../base/errors.ts";
import { connectUnix } from "../unix_socket.ts";
import { bodyOf } from "./http_body.ts";

export interface DebugAnswer extends Disposable {
  /** What it sent, as it comes. */
  readonly body: AsyncIterable<Uint8Array>;
}

const CODES: ReadonlyMap<number, ErrorCode> = new Map([
  [400, "invalidArgument"],
  [404, "unimplemented"],
  [409, "failedPrecondition"],
  [500, "internal"],
  [503, "unavailable"],
]);

const MOST_HEAD_BYTES = 16 * 1024;

/**
 * @param target path and query: `/debug/profile?seconds=10`
 * @throws {EngineError} `unavailable` if nobody listens; what the daemon says
 * if it does not answer the question
 */
export async function askDaemon(
  socket: string,
  target: string,
  signal: AbortSignal,
): Promise<DebugAnswer> {
  const connection = await connected(socket);
  const close = () => closeQuietly(connection);
  signal.addEventListener("abort", close, { once: true });
  const answer = {
    [Symbol.dispose]() {
      signal.removeEventListener("abort", close);
      close();
    },
  };
  try {
    const question = `GET ${target} HTTP/1.1\r\nHost: localhost\r\n` +
      "Connection: close\r\n\r\n";
    await writeAll(connection, new TextEncoder().encode(question));
    const { status, text, rest } = await readHead(connection);
    const body = bodyOf(text, piecesOf(connection, rest, signal));
    if (status === 200) return { ...answer, body };
    throw refusal(status, await textOf(body));
  } catch (error) {
    answer[Symbol.dispose]();
    signal.throwIfAborted();
    throw error;
  }
}

/** @param text the message, and a line `hint: …` if there is one */
function refusal(status: number, text: string): EngineError {
  const [message = "", hint] = text.split("\nhint: ");
  return new EngineError(
    CODES.get(status) ?? "unknown",
    message,
    hint === undefined ? {} : { hint },
  );
}

async function connected(socket: string): Promise<Deno.UnixConn> {
  try {
    return await connectUnix(socket);
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    const isForbidden = cause instanceof Deno.errors.PermissionDenied;
    throw unavailable(`Cannot reach a daemon at "${socket}"`, {
      hint: isForbidden
        ? "It is for the daemon's owner only, and for the group of [debug] gid"
        : "Start one with `coracle daemon`, or name its debug socket with " +
          "--socket",
      cause,
    });
  }
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await to.write(bytes.subarray(sent));
  }
}

interface Head {
  readonly status: number;
  /** All before the empty line. */
  readonly text: string;
  /** What came of the body with it. */
  readonly rest: Uint8Array;
}

async function readHead(from: Deno.Conn): Promise<Head> {
  const buffer = new Uint8Array(MOST_HEAD_BYTES);
  for (let filled = 0; filled < buffer.length;) {
    const count = await from.read(buffer.subarray(filled));
    if (count === null && filled === 0) {
      throw unavailable("The daemon has gone before it answered");
    }
    if (count === null) break;
    filled += count;
    const text = new TextDecoder("latin1").decode(buffer.subarray(0, filled));
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) continue;
    const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(text) ?? [];
    const rest = buffer.subarray(end + 4, filled);
    if (status === undefined) break;
    return { status: Number(status), text: text.slice(0, end), rest };
  }
  throw unavailable("The debug socket answers something else than HTTP");
}

async function* piecesOf(
  from: Deno.Conn,
  first: Uint8Array,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first;
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (;;) {
      const count = await from.read(buffer);
      if (count === null) return;
      yield buffer.subarray(0, count);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of body) {
    text += decoder.decode(piece, { stream: true });
  }
  return text.trim();
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
