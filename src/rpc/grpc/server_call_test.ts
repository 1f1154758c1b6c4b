/** What a server makes of calls as they come over the wire. */

import { assert, assertEquals } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { Any } from "../../../proto/gen/google/protobuf/any.ts";
import { FRAME } from "../http2/frame.ts";
import type { HeaderField } from "../http2/header_table.ts";
import {
  concat,
  data,
  END,
  headers,
  NOTHING,
  number,
  WHOLE,
} from "../http2/testing/peer.ts";
import { all, any, failure, MIB, rig, until } from "./testing.ts";
import { answerOn, ask, message, POST, rawClient } from "./testing/raw.ts";

/** POST, with one of its fields another, or without it. */
function but(name: string, value?: string): readonly HeaderField[] {
  const others = POST.filter(([other]) => other !== name);
  return value === undefined ? others : [...others, [name, value]];
}

Deno.test("a call is refused that is none of gRPC's", async () => {
  await using it = await rig({
    once: (_call, request) => Promise.resolve(request),
  });
  using peer = await rawClient(it);
  const refused: readonly (readonly [string, readonly HeaderField[]])[] = [
    ["405", but(":method", "GET")],
    ["405", but(":method")],
    ["415", but("content-type", "application/json")],
    ["415", but("content-type")],
  ];
  for (const [index, [status, fields]] of refused.entries()) {
    const stream = 2 * index + 1;
    await peer.send(headers(stream, WHOLE | END, fields));
    const answer = await answerOn(peer, stream);
    assertEquals(answer.headers, [`:status: ${status}`]);
  }
  // One whose request is still to come is refused at once, too.
  await peer.send(headers(21, WHOLE, but("content-type")));
  assertEquals((await answerOn(peer, 21)).headers, [":status: 415"]);
  await peer.send(data(21, 10, END), ask(23));
  assertEquals((await answerOn(peer, 23)).trailers, ["grpc-status: 0"]);
  assertEquals(it.server.calls, 0);
});

Deno.test("a call is taken whatever kind of gRPC it says it is", async () => {
  await using it = await rig({
    once: (_call, request) => Promise.resolve(request),
  });
  using peer = await rawClient(it);
  for (const [index, type] of ["", "+proto", ";charset=utf-8"].entries()) {
    const stream = 2 * index + 1;
    await peer.send(
      ask(stream, but("content-type", `application/grpc${type}`)),
    );
    const answer = await answerOn(peer, stream);
    assertEquals(answer.trailers, ["grpc-status: 0"]);
    assertEquals(Any.decode(answer.data.subarray(5)).typeUrl, "q");
  }
});

Deno.test("requests that are wrong fail their call only", async () => {
  await using it = await rig({
    once: (_call, request) => Promise.resolve(request),
    async gather(_call, requests) {
      return any(String((await all(requests)).length));
    },
  });
  using peer = await rawClient(it);
  const compressed = message("q");
  compressed[0] = 1;
  const tooLong = new Uint8Array([0, 1, 0, 0, 1]);
  const wrong: readonly (readonly [status: number, body: Uint8Array])[] = [
    [12, compressed],
    [13, message("q").subarray(0, 6)],
    [13, message("q").subarray(0, 3)],
    [13, NOTHING],
    [8, tooLong],
    // Not what it says it is.
    [3, new Uint8Array([0, 0, 0, 0, 1, 0xff])],
  ];
  const gather = but(":path", "/coracle.test.Echo/Gather");
  let stream = 1;
  for (const [status, body] of wrong) {
    for (const fields of [POST, gather]) {
      await peer.send(headers(stream, WHOLE, fields), data(stream, body, END));
      const { headers: [, , found], trailers } = await answerOn(peer, stream);
      // None at all is none too few where there may be many.
      const wanted = fields === gather && body === NOTHING ? 0 : status;
      assertEquals(found ?? trailers[0], `grpc-status: ${wanted}`);
      stream += 2;
    }
  }
  await peer.send(ask(stream));
  assertEquals((await answerOn(peer, stream)).trailers, ["grpc-status: 0"]);
  await until(() => it.server.calls === 0);
});

Deno.test("a unary method answers the first of two requests", async () => {
  await using it = await rig({
    once: (_call, request) => Promise.resolve(request),
  });
  using peer = await rawClient(it);
  const both = concat([message("a"), message("b")]);
  await peer.send(headers(1, WHOLE, POST), data(1, both, END));
  const answer = await answerOn(peer, 1);
  assertEquals(answer.trailers, ["grpc-status: 0"]);
  assertEquals(Any.decode(answer.data.subarray(5)).typeUrl, "a");
});

Deno.test("a call has the deadline that its headers say", async () => {
  const deadlines: (number | undefined)[] = [];
  await using it = await rig({
    once(call, request) {
      const ms = call.deadline && call.deadline.getTime() - Date.now();
      deadlines.push(ms && Math.ceil(ms / 100) * 100);
      return Promise.resolve(request);
    },
  });
  using peer = await rawClient(it);
  const values = ["1H", "10M", "10S", "2500m", "3000000u", "99999999n"];
  const wrong = ["", "1", "S", "1s", "-1S", "1.5S", "123456789S", "1S "];
  for (const [index, value] of [...values, ...wrong].entries()) {
    await peer.send(ask(2 * index + 1, [...POST, ["grpc-timeout", value]]));
    await answerOn(peer, 2 * index + 1);
  }
  assertEquals(deadlines, [
    ...[3_600_000, 600_000, 10_000, 2_500, 3_000, 100],
    ...wrong.map(() => undefined),
  ]);
  await peer.send(ask(99, [...POST, ["grpc-timeout", "0n"]]));
  // It may be answered before it has passed.
  const { headers: [, , late], trailers } = await answerOn(peer, 99);
  assert(
    ["grpc-status: 4", "grpc-status: 0"].includes(late ?? trailers[0] ?? ""),
  );
});

Deno.test("a failure's message is encoded, whatever is in it", async () => {
  await using it = await rig({
    once: () => Promise.reject(new EngineError("notFound", 'ä "100%"\n\0€😀')),
  });
  using peer = await rawClient(it);
  await peer.send(ask(1));
  // Without an answer in front of it, trailers are all there is.
  assertEquals(await answerOn(peer, 1), {
    headers: [
      ":status: 200",
      "content-type: application/grpc",
      "grpc-status: 5",
      'grpc-message: %C3%A4 "100%25"%0A%00%E2%82%AC%F0%9F%98%80',
    ],
    trailers: [],
    data: NOTHING,
  });
});

Deno.test("a failure's message that is long arrives, one that is too long is cut", async () => {
  await using it = await rig({
    once: (_call, { typeUrl }) =>
      Promise.reject(new EngineError("notFound", typeUrl)),
  });
  const long = "line of a log\n".repeat(1_500);
  assertEquals((await failure(it.echo.once(any(long)))).message, long);
  for (const letter of ["x", "ä", "€", "😀", "%"]) {
    const { code, message } = await failure(
      it.echo.once(any(letter.repeat(100_000))),
    );
    assertEquals(code, "notFound");
    const letters = [...message];
    assertEquals(new Set(letters), new Set([letter]));
    assert(letters.length > 2_000, `${letters.length} are left`);
  }
  // The connection is the first one still.
  assertEquals(it.server.connections, 1);
});

Deno.test("a handler that waits for requests hears that its call is over", async () => {
  const ends: string[] = [];
  await using it = await rig({
    async *converse(_call, requests) {
      try {
        yield* requests;
      } catch (error) {
        ends.push((error as EngineError).code);
        throw error;
      } finally {
        ends.push("cleaned up");
      }
    },
  });
  using peer = await rawClient(it);
  const fields = [
    ...but(":path", "/coracle.test.Echo/Converse"),
    ["grpc-timeout", "20m"] as const,
  ];
  // The client itself waits on, and so does its connection.
  await peer.send(headers(1, WHOLE, fields));
  assertEquals((await answerOn(peer, 1)).headers[2], "grpc-status: 4");
  await until(() => ends.length === 2);
  assertEquals(ends, ["deadlineExceeded", "cleaned up"]);
});

Deno.test("requests that a handler does not want hold nobody up", async () => {
  await using it = await rig({
    async *converse(call, requests) {
      for await (const request of requests) {
        yield request;
        break;
      }
      // It goes on, and listens no more.
      await new Promise((resolve) =>
        call.signal.addEventListener("abort", resolve)
      );
    },
  });
  let sent = 0;
  async function* many() {
    for (; sent < 30; sent++) yield await Promise.resolve(any("", MIB));
  }
  const abort = new AbortController();
  const answers = it.echo.converse(many(), { signal: abort.signal });
  const first = await answers[Symbol.asyncIterator]().next();
  assertEquals(first.value?.value.length, MIB);
  await until(() => sent === 30);
  const rest = failure(all(answers));
  abort.abort(new EngineError("cancelled", "enough"));
  assertEquals((await rest).message, "enough");
});

Deno.test("a call that is reset tells its handler, in whatever state it is", async () => {
  const heard: string[] = [];
  await using it = await rig({
    once: (call) =>
      new Promise((_, reject) =>
        call.signal.addEventListener("abort", () => {
          heard.push((call.signal.reason as EngineError).code);
          reject(call.signal.reason);
        })
      ),
  });
  using peer = await rawClient(it);
  const reset = (stream: number) => number(FRAME.reset, stream, 8);
  await peer.send(headers(1, WHOLE, POST), ask(3), headers(5, WHOLE, POST));
  await peer.send(data(5, message("q").subarray(0, 4)));
  await until(() => it.server.calls === 3);
  await peer.answers();
  await peer.send(reset(1), reset(3), reset(5));
  await until(() => it.server.calls === 0);
  // Only one of them had its whole request.
  assertEquals(heard, ["cancelled"]);
  assertEquals((await peer.answers()).length, 0);
});
