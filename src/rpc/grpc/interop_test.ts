/**
 * Node's HTTP/2 (nghttp2) at the other end: another's headers, which it
 * compresses, and another's windows. Sessions are of few streams: one of many
 * that hears GOAWAY can end the process.
 */

import { assert, assertEquals } from "@std/assert";
import type { Any } from "../../../proto/gen/google/protobuf/any.ts";
import { all, any, KIB, MIB, rig, stubOf } from "./testing.ts";
import { GrpcClient } from "./client.ts";
import { message } from "./testing/raw.ts";

const http2 = await import("node:http2");
const net = await import("node:net");

type Headers = Record<string, string | string[] | number | undefined>;

interface NodeAnswer {
  readonly headers: Headers;
  readonly trailers: Headers;
  readonly body: Uint8Array;
}

/** One session of Node's to the server at the path. */
function sessionTo(path: string, settings: Record<string, number> = {}) {
  const session = http2.connect("http://localhost", {
    createConnection: () => net.connect(path),
    settings,
  });
  const closed = new Promise((resolve) => session.once("close", resolve));
  return {
    session,
    async [Symbol.asyncDispose]() {
      session.close();
      await closed;
    },
  };
}

type Session = ReturnType<typeof sessionTo>["session"];

function ask(
  session: Session,
  body: Uint8Array,
  headers: Headers = {},
): Promise<NodeAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<NodeAnswer>();
  const stream = session.request({
    ":method": "POST",
    ":path": "/coracle.test.Echo/Once",
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  const found: { headers: Headers; trailers: Headers } = {
    headers: {},
    trailers: {},
  };
  const chunks: Uint8Array[] = [];
  stream.on("response", (headers: Headers) => found.headers = headers);
  stream.on("trailers", (trailers: Headers) => found.trailers = trailers);
  stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  stream.on("error", reject);
  stream.on("close", () => resolve({ ...found, body: joined(chunks) }));
  stream.end(body);
  return promise;
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, it) => sum + it.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** All that may be in a value. */
const PRINTABLE = Array.from(
  { length: 95 },
  (_, index) => String.fromCharCode(0x20 + index),
).join("").trim();

Deno.test("a client of Node's reads headers and trailers, and writes them compressed", async () => {
  await using it = await rig({
    once(call, request) {
      const ask = call.metadata.get("x-ask") ?? "";
      call.sendHeaders({ "x-answer": ask, "x-long": "l".repeat(20_000) });
      call.trailers.set("x-trailer", ask);
      return Promise.resolve(request);
    },
  });
  await using node = sessionTo(it.path);
  // The second time it says them by number.
  for (const suffix of ["", "", "x".repeat(20_000)]) {
    const value = `${PRINTABLE}${suffix}`;
    const answer = await ask(node.session, message("q"), { "x-ask": value });
    assertEquals(answer.headers["x-answer"], value);
    assertEquals(answer.headers["x-long"], "l".repeat(20_000));
    assertEquals(answer.trailers["x-trailer"], value);
    assertEquals(answer.trailers["grpc-status"], "0");
    assertEquals(answer.body, message("q"));
  }
});

Deno.test("a client of Node's that keeps no headers, or has small windows, is served", async () => {
  await using it = await rig({
    once: (_call, request) => Promise.resolve(request),
  });
  const settings = [
    { headerTableSize: 0 },
    { headerTableSize: 100, initialWindowSize: 1_000 },
    { maxFrameSize: 100_000, initialWindowSize: 10 * MIB },
  ];
  for (const each of settings) {
    await using node = sessionTo(it.path, each);
    const bodies = [message("q"), message("q", 100 * KIB), message("q")];
    for (const body of bodies) {
      const { trailers, body: found } = await ask(node.session, body);
      assertEquals(trailers["grpc-status"], "0");
      assertEquals(found, body);
    }
  }
});

Deno.test("a client of Node's that changes its settings is served further", async () => {
  await using it = await rig({
    once: (_call, request) => Promise.resolve(request),
  });
  await using node = sessionTo(it.path, { initialWindowSize: 100 });
  const body = message("q", 50 * KIB);
  let acknowledged = 0;
  for (const headerTableSize of [4096, 0, 1000, 0]) {
    const initialWindowSize = 100 + headerTableSize;
    const settings = { headerTableSize, initialWindowSize };
    // Told by the request, at the latest.
    node.session.settings(settings, () => acknowledged++);
    const { trailers, body: found } = await ask(node.session, body);
    assertEquals([trailers["grpc-status"], found], ["0", body]);
  }
  assertEquals(acknowledged, 4);
});

Deno.test("a client of Node's sends and gets bodies of 1 MiB, some at once", async () => {
  await using it = await rig({
    once: (_call, request) => Promise.resolve(request),
  });
  await using node = sessionTo(it.path);
  const body = message("q", MIB);
  body.forEach((_, at) => at > 20 && (body[at] = at * 31 % 251));
  const calls = Array.from({ length: 8 }, () => ask(node.session, body));
  for (const answer of await Promise.all(calls)) {
    assertEquals(answer.trailers["grpc-status"], "0");
    assertEquals(answer.body, body);
  }
});

/** A server of Node's that echoes, and a client of ours. */
async function nodeServer(options: { settings?: Record<string, number> } = {}) {
  const directory = await Deno.makeTempDir({ prefix: "coracle-grpc-" });
  const path = `${directory}/s`;
  const server = http2.createServer(options);
  const sessions: Session[] = [];
  server.on("session", (session: Session) => sessions.push(session));
  // deno-lint-ignore no-explicit-any -- its types are Node's
  server.on("stream", (stream: any, headers: Headers) => {
    const { "x-ask": ask = "" } = headers;
    stream.on(
      "wantTrailers",
      () => stream.sendTrailers({ "grpc-status": "0", "x-trailer": ask }),
    );
    stream.on("error", () => {});
    stream.respond({
      ":status": 200,
      "content-type": "application/grpc",
      "x-answer": ask,
    }, { waitForTrailers: true });
    stream.pipe(stream);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = new GrpcClient({ path });
  return {
    echo: stubOf(client),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      for (const session of sessions) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await Deno.remove(directory, { recursive: true });
    },
  };
}

Deno.test("our client is understood by a server of Node's, and understands it", async () => {
  await using it = await nodeServer();
  for (const suffix of ["", "", "x".repeat(20_000)]) {
    const value = `${PRINTABLE}${suffix}`;
    const seen: (string | undefined)[] = [];
    const answer = await it.echo.once(any("q", 5), {
      metadata: { "x-ask": value },
      onHeaders: (headers) => seen.push(headers.get("x-answer")),
      onTrailers: (trailers) => seen.push(trailers.get("x-trailer")),
    });
    assertEquals(answer, any("q", 5));
    assertEquals(seen, [value, value]);
  }
});

async function* four(value: Any): AsyncGenerator<Any> {
  for (let times = 0; times < 4; times++) yield await Promise.resolve(value);
}

Deno.test("our client heeds the windows of a server of Node's", async () => {
  const settings = [
    { initialWindowSize: 1_000, headerTableSize: 0 },
    { initialWindowSize: 10 * MIB, maxFrameSize: MIB },
    {},
  ];
  for (const each of settings) {
    await using it = await nodeServer({ settings: each });
    const large = any("q", MIB);
    large.value.forEach((_, at) => large.value[at] = at * 31 % 251);
    const calls = Array.from({ length: 4 }, () => it.echo.once(large));
    for (const answer of await Promise.all(calls)) assertEquals(answer, large);
    const found = await all(it.echo.converse(four(large)));
    assert(found.length === 4);
    assertEquals(found[3], large);
  }
});
