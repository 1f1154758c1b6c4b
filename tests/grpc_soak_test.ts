/**
 * What clients do to a gRPC server on purpose or by dying: it answers the
 * others all the while, keeps nothing, and does not end.
 *
 * CORACLE_SOAK=1 makes it ten times as much.
 */

import { assert, assertEquals } from "@std/assert";
import { ContentDefinition } from "../proto/gen/containerd/services/content/v1/content.ts";
import { VersionDefinition } from "../proto/gen/containerd/services/version/v1/version.ts";
import { HealthDefinition } from "../proto/gen/grpc/health/v1/health.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { GrpcServerProcess } from "./support/grpc_server.ts";
import { misbehave, reset, streamOf } from "./support/http2_habits.ts";
import {
  callHeaders,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  goAway,
  message,
  RawHttp2,
  window,
} from "./support/raw_http2.ts";

const TIMES = Deno.env.get("CORACLE_SOAK") === "1" ? 10 : 1;
const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

const VERSION = "/containerd.services.version.v1.Version/Version";
const WATCH = "/grpc.health.v1.Health/Watch";
const READ = "/containerd.services.content.v1.Content/Read";

async function until(
  server: GrpcServerProcess,
  holds: (state: Awaited<ReturnType<typeof server.state>>) => boolean,
): Promise<void> {
  let state = await server.state();
  for (let tries = 0; !holds(state); tries++) {
    assert(tries < 200, `it never held: ${holds} ${JSON.stringify(state)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
    state = await server.state();
  }
}

async function noneLeft(server: GrpcServerProcess): Promise<void> {
  await until(server, (it) => it.connections === 0 && it.calls === 0);
}

/** Calls while `work` goes on. @returns how often; every call is answered */
async function answering(
  path: string,
  work: () => Promise<void>,
): Promise<number> {
  await using client = new GrpcClient({ path });
  const version = client.stub(VersionDefinition);
  let isDone = false;
  let calls = 0;
  const call = async () => {
    for (; !isDone; calls++) {
      const { revision } = await version.version({}, { timeoutMs: 10_000 });
      assertEquals(revision, "2");
    }
  };
  const calling = call();
  await Promise.race([work(), calling]);
  isDone = true;
  await calling;
  return calls;
}

/** A server takes twice as many for an attack. */
const RESETS_A_SECOND = 10_000;

Deno.test("serveGrpc() outlives clients that say GOAWAY after many calls", async () => {
  await using server = await GrpcServerProcess.start();
  for (let turn = 0; turn < 10 * TIMES; turn++) {
    const calls = [50, 90, 150, 300, 1_000][turn % 5] ?? 0;
    using client = await RawHttp2.connect(server.path);
    for (let call = 0; call < calls; call++) {
      await client.call(streamOf(call), VERSION);
      if (call % 10 === 9) assert(await client.ended(10));
    }
    await client.send(goAway());
    // Streams that are open go on.
    await client.call(streamOf(calls), VERSION);
    assert(await client.ended(1));
  }
  await noneLeft(server);
});

Deno.test("serveGrpc() lets one connection cancel thousands of calls", async () => {
  await using server = await GrpcServerProcess.start();
  using client = await RawHttp2.connect(server.path);
  const calls = 3_000 * TIMES;
  for (let call = 0; call < calls; call++) {
    const stream = streamOf(call);
    const path = [VERSION, WATCH, READ][call % 3] ?? "";
    await client.call(stream, path);
    // Some of them have begun by then, some have ended.
    if (call % 50 === 0) await server.state();
    await client.send(reset(stream));
    if (call % RESETS_A_SECOND === RESETS_A_SECOND - 1) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
  await until(server, (it) => it.calls === 0);
  const answered = await answering(server.path, async () => {
    await client.call(streamOf(calls), VERSION);
    await until(server, (it) => it.connections === 2);
  });
  assert(answered > 0);
});

Deno.test("serveGrpc() answers 10,000 calls of all kinds on few connections", async () => {
  await using server = await GrpcServerProcess.start();
  const calls = 2_500 * TIMES;
  const lane = async () => {
    await using client = new GrpcClient({ path: server.path });
    const version = client.stub(VersionDefinition);
    const content = client.stub(ContentDefinition);
    const health = client.stub(HealthDefinition);
    for (let call = 0; call < calls; call++) {
      if (call % 10 === 0) await written(content);
      else if (call % 10 === 1) {
        for await (const _ of health.watch({ service: "" })) break;
      } else if (call % 10 === 2) {
        const { status } = await health.check({ service: "" });
        assertEquals(status, 1);
      } else assertEquals((await version.version({})).version, "1");
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  await noneLeft(server);
  const { rss } = await server.state();
  assert(rss < 300 * MIB, `it has ${rss} bytes`);
});

type Content = ReturnType<typeof contentOf>;
function contentOf(client: GrpcClient) {
  return client.stub(ContentDefinition);
}

async function written(content: Content): Promise<void> {
  async function* requests() {
    for (const action of [1, 2] as const) {
      yield await Promise.resolve({
        ...{ action, ref: "r", total: 0n, expected: "", offset: 0n },
        ...{ data: new Uint8Array(1_000), labels: {} },
      });
    }
  }
  const answers = await Array.fromAsync(content.write(requests()));
  assertEquals(answers.map(({ offset }) => offset), [1_000n, 2_000n]);
}

Deno.test("serveGrpc() answers others while thousands of connections break", async () => {
  await using server = await GrpcServerProcess.start();
  const calls = await answering(
    server.path,
    () => misbehave(server.path, 3_000 * TIMES),
  );
  assert(calls > 100, `only ${calls} calls were answered`);
  await noneLeft(server);
  const { rss } = await server.state();
  assert(rss < 400 * MIB, `it has ${rss} bytes`);
});

Deno.test("serveGrpc() keeps little for those who read slowly, or not at all", async () => {
  await using server = await GrpcServerProcess.start();
  const { rss: before } = await server.state();
  // A digest, and 1 GiB of it.
  const request = new Uint8Array([
    ...[0x0a, 1, 0x78, 0x18],
    ...[0x80, 0x80, 0x80, 0x80, 0x04],
  ]);
  const slow = await Promise.all(Array.from({ length: 16 }, async () => {
    const client = await RawHttp2.connect(server.path);
    await client.send(
      frame(FRAME.headers, {
        flags: END_HEADERS,
        stream: 1,
        payload: callHeaders(READ),
      }),
      frame(FRAME.data, {
        flags: END_STREAM,
        stream: 1,
        payload: message(request),
      }),
      // Only the socket holds it up.
      window(1, GIB),
    );
    return client;
  }));
  await until(server, ({ calls }) => calls === slow.length);
  const calls = await answering(server.path, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_500));
  });
  assert(calls > 20, `only ${calls} calls were answered`);
  const { rss } = await server.state();
  for (const client of slow) client[Symbol.dispose]();
  assert(rss - before < 200 * MIB, `it has ${rss - before} bytes more`);
  await noneLeft(server);
});

Deno.test("serveGrpc() holds thousands of open calls on one connection", async () => {
  await using server = await GrpcServerProcess.start();
  await using client = new GrpcClient({ path: server.path });
  const health = client.stub(HealthDefinition);
  const abort = new AbortController();
  const { signal } = abort;
  const watches = await Promise.all(
    Array.from({ length: 2_000 }, async () => {
      const watch = health.watch({ service: "" }, { signal });
      const answers = watch[Symbol.asyncIterator]();
      assertEquals((await answers.next()).value.status, 1);
      return answers;
    }),
  );
  const { connections, calls } = await server.state();
  assertEquals([connections, calls], [1, 2_000]);
  abort.abort(new Error("enough"));
  const ends = watches.map((it) => it.next().catch((error) => error.message));
  assertEquals(new Set(await Promise.all(ends)), new Set(["enough"]));
  await until(server, (it) => it.calls === 0);
});
