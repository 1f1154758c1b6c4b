/** Calls beyond what a server takes at once. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import {
  data,
  END,
  frame,
  headers,
  type Peer,
  settings,
  WHOLE,
} from "../http2/testing/peer.ts";
import { FRAME } from "../http2/frame.ts";
import { GrpcClient } from "./client.ts";
import { any, failure, stubOf } from "./testing.ts";
import { ANSWER, greet, message, nextCall, rawServer } from "./testing/raw.ts";

const http2 = await import("node:http2");

/** MAX_CONCURRENT_STREAMS */
function most(streams: number): Uint8Array {
  return settings([3, streams]);
}

async function answer(peer: Peer, stream: number): Promise<void> {
  await peer.send(
    headers(stream, WHOLE, ANSWER),
    data(stream, message(String(stream))),
    headers(stream, WHOLE | END, [["grpc-status", "0"]]),
  );
}

function goAway(lastStream: number): Uint8Array {
  const payload = new Uint8Array([0, 0, 0, lastStream, 0, 0, 0, 0]);
  return frame(FRAME.goAway, 0, 0, payload);
}

/** Answers each call after a while; counts those that it has at once. */
async function limitedNode(path: string, streams: number) {
  const seen = { open: 0, most: 0, calls: 0, sessions: 0 };
  const server = http2.createServer({
    settings: { maxConcurrentStreams: streams },
  });
  server.on("session", () => seen.sessions++);
  server.on("stream", (stream) => {
    seen.calls++;
    seen.most = Math.max(seen.most, ++seen.open);
    stream.on("close", () => seen.open--);
    stream.resume().on("end", () => {
      const content = { "content-type": "application/grpc" };
      stream.respond({ ":status": 200, ...content }, { waitForTrailers: true });
      const trailers = { "grpc-status": "0" };
      stream.on("wantTrailers", () => stream.sendTrailers(trailers));
      setTimeout(() => stream.end(message("well")), 2);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    seen,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

Deno.test("fifty calls at once to a server that takes two all succeed", async () => {
  const directory = await Deno.makeTempDir({ prefix: "coracle-grpc-" });
  try {
    const path = `${directory}/s`;
    await using server = await limitedNode(path, 2);
    await using client = new GrpcClient({ path });
    const echo = stubOf(client);
    const calls = Array.from({ length: 50 }, () => echo.once(any("")));
    const found = (await Promise.all(calls)).map(({ typeUrl }) => typeUrl);
    assertEquals(found, Array.from({ length: 50 }, () => "well"));
    const { calls: taken, most, sessions } = server.seen;
    assertEquals({ taken, most, sessions }, {
      taken: 50,
      most: 2,
      sessions: 1,
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("calls wait in the order in which they came", async () => {
  await using it = await rawServer(async (peer) => {
    await greet(peer, most(1));
    for (let count = 0; count < 3; count++) {
      const stream = await nextCall(peer);
      const others = await peer.answers();
      assertEquals(others.some(({ type }) => type === FRAME.headers), false);
      await answer(peer, stream);
    }
  });
  const order: number[] = [];
  const calls = [0, 1, 2].map(async (index) => {
    await it.echo.once(any(""));
    order.push(index);
  });
  await Promise.all(calls);
  assertEquals(order, [0, 1, 2]);
  assertEquals(it.accepted.length, 1);
});

Deno.test("calls that wait begin when the server takes more", async () => {
  await using it = await rawServer(async (peer) => {
    await greet(peer, most(1));
    const open = [await nextCall(peer)];
    await peer.send(most(3));
    open.push(await nextCall(peer), await nextCall(peer));
    for (const stream of open) await answer(peer, stream);
  });
  const calls = [0, 1, 2].map(() => it.echo.once(any("")));
  const found = (await Promise.all(calls)).map(({ typeUrl }) => typeUrl);
  assertEquals(found, ["1", "3", "5"]);
});

Deno.test("a call that waits ends with its signal and at its deadline", async () => {
  const go = Promise.withResolvers<void>();
  await using it = await rawServer(async (peer) => {
    await greet(peer, most(1));
    const first = await nextCall(peer);
    await go.promise;
    await answer(peer, first);
    await answer(peer, await nextCall(peer));
  });
  const first = it.echo.once(any(""));
  const abort = new AbortController();
  const { signal } = abort;
  const left = failure(it.echo.once(any(""), { signal }));
  const late = failure(it.echo.once(any(""), { timeoutMs: 20 }));
  const last = it.echo.once(any(""), { timeoutMs: 60_000 });
  const { code, message } = await late;
  assertEquals(code, "deadlineExceeded");
  assertStringIncludes(message, "took too long");
  const mine = new EngineError("aborted", "I don't want it any more");
  abort.abort(mine);
  assertEquals(await left, mine);
  go.resolve();
  assertEquals((await first).typeUrl, "1");
  assertEquals((await last).typeUrl, "3");
});

Deno.test("a call's time goes on while it waits and when it has begun", async () => {
  const deadlines: string[] = [];
  await using it = await rawServer(async (peer) => {
    await greet(peer, most(1));
    for (let count = 0; count < 2; count++) {
      const begun = await peer.nextOf(FRAME.headers);
      deadlines.push(
        ...peer.fieldsOf(begun).filter(([name]) => name === "grpc-timeout")
          .map(([, value]) => value),
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
      await answer(peer, begun.stream);
    }
  });
  const call = () => it.echo.once(any(""), { timeoutMs: 60_000 });
  await Promise.all([call(), call()]);
  const [first = "", second = ""] = deadlines;
  assertEquals(first, "60000m");
  assert(Number.parseInt(second) <= 59_985, second);
});

Deno.test("calls that wait go over another connection when the server goes away", async () => {
  await using it = await rawServer(async (peer, index) => {
    await greet(peer, most(1));
    const first = await nextCall(peer);
    if (index === 0) await peer.send(goAway(first));
    await answer(peer, first);
    if (index > 0) await answer(peer, await nextCall(peer));
  });
  const calls = [0, 1, 2].map(() => it.echo.once(any("")));
  const found = (await Promise.all(calls)).map(({ typeUrl }) => typeUrl);
  assertEquals(found, ["1", "1", "3"]);
  assertEquals(it.accepted.length, 2);
});

Deno.test("a call that waits fails when its client is closed", async () => {
  await using it = await rawServer(async (peer) => {
    await greet(peer, most(1));
    await nextCall(peer);
  });
  const calls = [0, 1].map(() => failure(it.echo.once(any(""))));
  const { client } = it;
  await new Promise((resolve) => setTimeout(resolve, 20));
  await client[Symbol.asyncDispose]();
  for (const call of calls) assertEquals((await call).code, "unavailable");
});

Deno.test("what can't be in a header fails a call that waited, and no other", async () => {
  await using it = await rawServer(async (peer) => {
    await greet(peer, most(1));
    for (let count = 0; count < 2; count++) {
      await answer(peer, await nextCall(peer));
    }
  });
  const metadata = { "x-bad": "a\nb" };
  const calls = await Promise.allSettled([
    it.echo.once(any("")),
    it.echo.once(any(""), { metadata }),
    it.echo.once(any("")),
  ]);
  const states = calls.map(({ status }) => status);
  assertEquals(states, ["fulfilled", "rejected", "fulfilled"]);
});
