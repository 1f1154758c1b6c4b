/** How calls end, and how fast they may go. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import type { Any } from "../../../proto/gen/google/protobuf/any.ts";
import { GrpcClient } from "./client.ts";
import { serveGrpc } from "./server.ts";
import { grpcService } from "./service.ts";
import {
  all,
  any,
  type Echo,
  EchoDefinition,
  failure,
  forever,
  KIB,
  NO_HANDLERS,
  rig,
  stubOf,
  until,
} from "./testing.ts";

Deno.test("a signal of the caller's reaches the handler", async () => {
  const reasons: unknown[] = [];
  const heard = (signal: AbortSignal) =>
    new Promise<never>((_, reject) =>
      signal.addEventListener("abort", () => {
        reasons.push(signal.reason);
        reject(signal.reason);
      })
    );
  await using it = await rig({
    once: (call) => heard(call.signal),
    async *repeat(call) {
      yield any("first");
      await heard(call.signal);
    },
  });
  const abort = new AbortController();
  const mine = new EngineError("aborted", "I don't want it any more");
  const { signal } = abort;
  const once = failure(it.echo.once(any(""), { signal }));
  const repeat = failure(all(it.echo.repeat(any(""), { signal })));
  await until(() => it.server.calls === 2);
  abort.abort(mine);
  assertEquals(await once, mine);
  assertEquals(await repeat, mine);
  await until(() => it.server.calls === 0);
  const codes = reasons.map((it) => (it as EngineError).code);
  assertEquals(codes, ["cancelled", "cancelled"]);
  assertEquals(await failure(it.echo.once(any(""), { signal })), mine);
});

Deno.test("who stops iterating cancels the call", async () => {
  let isEnded = false;
  await using it = await rig({
    async *repeat() {
      try {
        yield* forever(any("more"));
      } finally {
        isEnded = true;
      }
    },
  });
  for await (const _ of it.echo.repeat(any(""))) break;
  await until(() => isEnded && it.server.calls === 0);
});

Deno.test("a deadline ends the call on both sides", async () => {
  const seen: unknown[] = [];
  await using it = await rig({
    once: (call) =>
      new Promise(() => {
        seen.push(call.deadline instanceof Date);
        call.signal.addEventListener("abort", () => {
          seen.push((call.signal.reason as EngineError).code);
        });
      }),
  });
  const error = await failure(it.echo.once(any(""), { timeoutMs: 50 }));
  assertEquals(error.code, "deadlineExceeded");
  await until(() => it.server.calls === 0);
  const [hasDeadline, reason] = seen;
  // Which of the two it is depends on whose clock is ahead.
  const reasons: unknown[] = ["deadlineExceeded", "cancelled"];
  assert(hasDeadline === true && reasons.includes(reason), `${seen}`);
});

Deno.test("a deadline that is weeks away has not passed", async () => {
  await using it = await rig({
    async once() {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return any("in time");
    },
  });
  const day = 24 * 3_600_000;
  for (const timeoutMs of [20 * day, 30 * day, 400 * day]) {
    const { typeUrl } = await it.echo.once(any(""), { timeoutMs });
    assertEquals(typeUrl, "in time");
  }
  // As it is on the wire, whatever the client makes of its own.
  for (const value of ["2592000S", "99999999H", "1S", "5000000M"]) {
    const metadata = { "grpc-timeout": value };
    const { typeUrl } = await it.echo.once(any(""), { metadata });
    assertEquals(typeUrl, "in time");
  }
});

Deno.test("answers are made no faster than they are read", async () => {
  let made = 0;
  await using it = await rig({
    async *repeat() {
      for (; made < 200; made++) {
        yield await Promise.resolve(any("", 512 * KIB));
      }
    },
  });
  const answers = it.echo.repeat(any(""))[Symbol.asyncIterator]();
  await answers.next();
  await settled(() => made);
  assert(made < 60, `${made} were made for one that was read`);
  let read = 1;
  while (!(await answers.next()).done) read++;
  assertEquals([read, made], [200, 200]);
});

Deno.test("requests are taken no faster than they are read", async () => {
  let made = 0;
  const go = Promise.withResolvers<void>();
  await using it = await rig({
    async gather(_call, requests) {
      let bytes = 0;
      for await (const { value } of requests) {
        bytes += value.length;
        await go.promise;
      }
      return any(String(bytes));
    },
  });
  async function* many() {
    for (; made < 200; made++) {
      yield await Promise.resolve(any("", 512 * KIB));
    }
  }
  const answer = it.echo.gather(many());
  await until(() => made > 0);
  await settled(() => made);
  assert(made < 60, `${made} were made for one that was read`);
  go.resolve();
  assertEquals((await answer).typeUrl, String(200 * 512 * KIB));
});

/** Until the number has not changed for a while. */
async function settled(count: () => number): Promise<void> {
  for (let before = -1; before !== count();) {
    before = count();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

Deno.test("a handler may answer before it has read everything", async () => {
  await using it = await rig({
    gather: () => Promise.resolve(any("enough")),
    async *converse(_call, requests) {
      for await (const request of requests) {
        yield request;
        return;
      }
    },
  });
  const answer = await it.echo.gather(forever(any("", KIB)));
  assertEquals(answer.typeUrl, "enough");
  const answers = await all(it.echo.converse(forever(any("x", KIB))));
  assertEquals(answers.length, 1);
  await until(() => it.server.calls === 0);
  assertEquals(it.server.connections, 1);
});

Deno.test("stop() lets open calls end, and takes no new ones", async () => {
  const go = Promise.withResolvers<void>();
  await using it = await rig({
    async once() {
      await go.promise;
      return any("done");
    },
  });
  const open = it.echo.once(any(""));
  await until(() => it.server.calls === 1);
  const stopped = it.server.stop(10_000);
  await using late = new GrpcClient({ path: it.path });
  const refused = failure(stubOf(late).once(any("")));
  assertEquals((await refused).code, "unavailable");
  go.resolve();
  assertEquals((await open).typeUrl, "done");
  await stopped;
  assertEquals(it.server.connections, 0);
  await assertRejects(() => Deno.stat(it.path), Deno.errors.NotFound);
});

Deno.test("a server that is disposed cancels what is open", async () => {
  await using it = await rig({
    once: () => new Promise(() => {}),
    async *repeat() {
      yield any("first");
      await new Promise(() => {});
    },
  });
  const once = failure(it.echo.once(any("")));
  const repeat = failure(all(it.echo.repeat(any(""))));
  await until(() => it.server.calls === 2);
  await it.server[Symbol.asyncDispose]();
  assertEquals((await once).code, "unavailable");
  assertEquals((await repeat).code, "unavailable");
  assertEquals((await once).message, "The server is stopping");
  assertEquals((await repeat).message, "The server is stopping");
});

Deno.test("a client finds the server again when it has been restarted", async () => {
  const handlers: Partial<Echo> = { once: () => Promise.resolve(any("1")) };
  await using it = await rig(handlers);
  assertEquals((await it.echo.once(any(""))).typeUrl, "1");
  await it.server[Symbol.asyncDispose]();
  assertEquals((await failure(it.echo.once(any("")))).code, "unavailable");
  const service = grpcService(EchoDefinition, {
    ...NO_HANDLERS,
    once: () => Promise.resolve(any("2")),
  });
  await using _second = await serveGrpc({
    addresses: [{ path: it.path, mode: 0o600 }],
    services: [service],
  });
  let answer: Any | undefined;
  for (let tries = 0; answer === undefined && tries < 50; tries++) {
    answer = await it.echo.once(any("")).catch(() => undefined);
    if (answer === undefined) await new Promise((r) => setTimeout(r, 50));
  }
  assertEquals(answer?.typeUrl, "2");
});

Deno.test("a client that is disposed fails what is open and what comes", async () => {
  await using it = await rig({ once: () => new Promise(() => {}) });
  const open = failure(it.echo.once(any("")));
  await until(() => it.server.calls === 1);
  await it.client[Symbol.asyncDispose]();
  const codes = ["cancelled", "unavailable"];
  const { code, message } = await open;
  assert(codes.includes(code), `${code}: ${message}`);
  assertEquals((await failure(it.echo.once(any("")))).code, "unavailable");
  await until(() => it.server.calls === 0 && it.server.connections === 0);
});
