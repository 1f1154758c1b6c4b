/** Which connection a call goes over, and what is left of calls that fail. */

import { assert, assertEquals } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { FRAME } from "../http2/frame.ts";
import {
  data,
  END,
  frame,
  headers,
  type Peer,
  WHOLE,
} from "../http2/testing/peer.ts";
import { all, any, failure, MIB, rig, until } from "./testing.ts";
import { ANSWER, greet, message, nextCall, rawServer } from "./testing/raw.ts";

Deno.test("a signal that fires while the client connects ends the call", async () => {
  await using it = await rig({ once: () => new Promise(() => {}) });
  const abort = new AbortController();
  const mine = new EngineError("aborted", "I don't want it any more");
  const call = failure(it.echo.once(any(""), { signal: abort.signal }));
  abort.abort(mine);
  assertEquals(await call, mine);
  await until(() => it.server.calls === 0);
});

Deno.test("a request that is too long leaves no call open", async () => {
  await using it = await rig({ once: () => new Promise(() => {}) });
  const error = await failure(it.echo.once(any("", 17 * MIB)));
  assertEquals(error.code, "resourceExhausted");
  const open = failure(it.echo.once(any("")));
  await until(() => it.server.calls > 0);
  assertEquals(it.server.calls, 1);
  await it.server.stop(0);
  assertEquals((await open).code, "unavailable");
});

Deno.test("large headers go both ways at once, before requests are read", async () => {
  const large = "x".repeat(16_000);
  await using it = await rig({
    async *converse(call) {
      call.sendHeaders({ "x-large": large });
      yield await Promise.resolve(any("well"));
    },
  });
  const metadata = { "x-large": large };
  async function* none() {}
  const calls = Array.from(
    { length: 200 },
    () => all(it.echo.converse(none(), { metadata })),
  );
  assertEquals((await Promise.all(calls)).flat().length, 200);
});

function goAway(lastStream: number): Uint8Array {
  const payload = new Uint8Array([0, 0, 0, lastStream, 0, 0, 0, 0]);
  return frame(FRAME.goAway, 0, 0, payload);
}

async function answer(peer: Peer, stream: number): Promise<void> {
  await peer.send(
    headers(stream, WHOLE, ANSWER),
    data(stream, message(String(stream))),
    headers(stream, WHOLE | END, [["grpc-status", "0"]]),
  );
}

Deno.test("a server that goes away answers what it has begun, the next one the rest", async () => {
  await using it = await rawServer(async (peer, index) => {
    await greet(peer);
    const first = await nextCall(peer);
    if (index > 0) return await answer(peer, first);
    await nextCall(peer);
    await peer.send(goAway(first));
    // The client says that it goes, too, when it is asked for more.
    await peer.nextOf(FRAME.goAway);
    await answer(peer, first);
  });
  const calls = [it.echo.once(any("")), it.echo.once(any(""))] as const;
  const refused = await failure(calls[1]);
  assertEquals(refused.message, "The server takes no more calls");
  assertEquals((await it.echo.once(any(""))).typeUrl, "1");
  assertEquals((await calls[0]).typeUrl, "1");
  assertEquals(it.accepted.length, 2);
  assertEquals(await it.accepted[0]?.ending(), undefined);
});

Deno.test("a call fails when the server accepts and closes", async () => {
  await using it = await rawServer((peer) => peer.close());
  for (let times = 0; times < 20; times++) {
    const { code } = await failure(it.echo.once(any("")));
    assertEquals(code, "unavailable");
    const stream = failure(all(it.echo.repeat(any(""))));
    assertEquals((await stream).code, "unavailable");
  }
});

Deno.test("a call fails when the server speaks another protocol", async () => {
  await using it = await rawServer(async (peer) => {
    await peer.send(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n"));
  });
  assertEquals((await failure(it.echo.once(any("")))).code, "unavailable");
});

Deno.test("a thousand calls at once go over one connection", async () => {
  let open = 0;
  let most = 0;
  await using it = await rig({
    async once(_call, request) {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 20));
      open--;
      return request;
    },
  });
  const calls = Array.from(
    { length: 1000 },
    (_, index) => it.echo.once(any(String(index), 5_000)),
  );
  const names = (await Promise.all(calls)).map(({ typeUrl }) =>
    Number(typeUrl)
  );
  assertEquals(names, Array.from(names.keys()));
  assertEquals(it.server.connections, 1);
  assert(most > 100, `${most} were open at once`);
});

Deno.test("five thousand calls that are cancelled leave nothing", async () => {
  await using it = await rig({
    once: (_call, { typeUrl }) =>
      typeUrl === "" ? new Promise(() => {}) : Promise.resolve(any(typeUrl)),
  });
  const abort = new AbortController();
  const { signal } = abort;
  let failed = 0;
  const calls = Array.from({ length: 5000 }, async () => {
    await failure(it.echo.once(any(""), { signal }));
    failed++;
  });
  await until(() => it.server.calls > 0);
  abort.abort(new EngineError("cancelled", "all of them"));
  await Promise.all(calls);
  assertEquals(failed, 5000);
  await until(() => it.server.calls === 0);
  assertEquals((await it.echo.once(any("still there"))).typeUrl, "still there");
  assertEquals(it.server.connections, 1);
});

Deno.test("a server that stops leaves no connection that was just made", async () => {
  for (let times = 0; times < 20; times++) {
    await using it = await rig({});
    const { path } = it;
    const connecting = Array.from(
      { length: 5 },
      () => Deno.connect({ transport: "unix", path }).catch(() => undefined),
    );
    if (times % 2 === 0) await connecting[0];
    await it.server.stop(0);
    assertEquals(it.server.connections, 0);
    for (const conn of await Promise.all(connecting)) conn?.close();
  }
});
