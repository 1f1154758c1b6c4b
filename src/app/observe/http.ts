/**
 * HTTP/1.1 as a scraper or a debugger needs it: one question for each
 * connection. `Deno.serve` does more, and holds 7 MB for it.
 */

import { unlessAborted } from "../../base/unless_aborted.ts";

export interface HttpQuestion {
  readonly method: "GET" | "HEAD";
  readonly url: URL;
  /** Fires when the server is closed. */
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: 200 | 400 | 404 | 405 | 409 | 500 | 503;
  /** `text/plain; charset=utf-8` */
  readonly type: string;
  /** Pieces are sent as they come. */
  readonly body: string | AsyncIterable<Uint8Array>;
}

export type HttpHandler = (question: HttpQuestion) => Promise<HttpAnswer>;

interface HttpServerOptions {
  readonly listener: Deno.Listener<Deno.Conn>;
  readonly handle: HttpHandler;
  /** What a handler has thrown; the caller hears that there was something. */
  readonly onFailure: (error: unknown) => void;
}

const REASONS: Readonly<Record<HttpAnswer["status"], string>> = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

const MOST_HEAD_BYTES = 16 * 1024;
/** For the question to come, and for each piece of the answer to be taken. */
const PATIENCE_MS = 30_000;
const MOST_CONNECTIONS = 64;

/** Serves until it is disposed, which closes what is open. */
export function serveHttp(options: HttpServerOptions): AsyncDisposable {
  const closing = new AbortController();
  const open = new Set<Promise<void>>();
  const connections = new Set<Deno.Conn>();
  const accept = async () => {
    for await (const connection of accepted(options.listener)) {
      if (open.size >= MOST_CONNECTIONS) {
        close(connection);
        continue;
      }
      connections.add(connection);
      const done = converse(connection, options, closing.signal).finally(() => {
        connections.delete(connection);
        open.delete(done);
      });
      open.add(done);
    }
  };
  const accepting = accept();
  return {
    async [Symbol.asyncDispose]() {
      closing.abort(new DOMException("The server is closed", "AbortError"));
      options.listener.close();
      for (const connection of connections) close(connection);
      await accepting;
      await Promise.all(open);
    },
  };
}

/** A connection that can't be accepted is its client's loss. */
async function* accepted(
  listener: Deno.Listener<Deno.Conn>,
): AsyncGenerator<Deno.Conn> {
  for (;;) {
    try {
      yield await listener.accept();
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      if (error instanceof Deno.errors.Interrupted) return;
      // Too many files are open: it would fail again at once.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function converse(
  connection: Deno.Conn,
  { handle, onFailure }: HttpServerOptions,
  signal: AbortSignal,
): Promise<void> {
  try {
    const head = await patiently(connection, readHead(connection));
    const question = parseHead(head, signal);
    if ("status" in question) return await send(connection, question, "GET");
    const answer = await answered(handle, question, onFailure);
    await send(connection, answer, question.method);
  } catch {
    // Whoever asked has gone.
  } finally {
    close(connection);
  }
}

async function answered(
  handle: HttpHandler,
  question: HttpQuestion,
  onFailure: (error: unknown) => void,
): Promise<HttpAnswer> {
  try {
    return await unlessAborted(question.signal, handle(question));
  } catch (error) {
    onFailure(error);
    return plainAnswer(500, "It failed; the log says why");
  }
}

export function plainAnswer(
  status: HttpAnswer["status"],
  line: string,
): HttpAnswer {
  return { status, type: "text/plain; charset=utf-8", body: `${line}\n` };
}

/** @returns all up to the empty line */
async function readHead(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(MOST_HEAD_BYTES);
  const decoder = new TextDecoder();
  for (let filled = 0; filled < buffer.length;) {
    const count = await connection.read(buffer.subarray(filled));
    if (count === null) throw new Error("The connection ended early");
    filled += count;
    const head = decoder.decode(buffer.subarray(0, filled));
    const end = head.indexOf("\r\n\r\n");
    if (end >= 0) return head.slice(0, end);
  }
  return "";
}

function parseHead(
  head: string,
  signal: AbortSignal,
): HttpQuestion | HttpAnswer {
  const [, method = "", target = ""] =
    /^([A-Z]+) (\/[^ ]*) HTTP\/1\.[01](?:\r\n|$)/.exec(head) ?? [];
  if (method === "") return plainAnswer(400, "This is not HTTP/1.1");
  if (method !== "GET" && method !== "HEAD") {
    return plainAnswer(405, "Only GET and HEAD are answered");
  }
  const base = "http://localhost";
  if (!URL.canParse(base + target)) {
    return plainAnswer(400, "The address can't be read");
  }
  return { method, url: new URL(base + target), signal };
}

async function send(
  connection: Deno.Conn,
  { status, type, body }: HttpAnswer,
  method: HttpQuestion["method"],
): Promise<void> {
  const bytes = typeof body === "string"
    ? new TextEncoder().encode(body)
    : undefined;
  const lines = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    `Content-Type: ${type}`,
    ...bytes === undefined ? [] : [`Content-Length: ${bytes.length}`],
    "Connection: close",
  ];
  const head = new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
  await writeAll(connection, head);
  if (method === "HEAD") return;
  const pieces = typeof body === "string" ? [bytes ?? head] : body;
  for await (const piece of pieces) await writeAll(connection, piece);
}

async function writeAll(
  connection: Deno.Conn,
  bytes: Uint8Array,
): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await patiently(
      connection,
      connection.write(bytes.subarray(sent)),
    );
  }
}

/** Who takes too long is hung up on, which fails the work. */
async function patiently<T>(
  connection: Deno.Conn,
  work: Promise<T>,
): Promise<T> {
  const timer = setTimeout(() => close(connection), PATIENCE_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
