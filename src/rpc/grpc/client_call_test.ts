/** What a client makes of answers as they come over the wire. */

import { assert, assertEquals } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { ERROR } from "../http2/breach.ts";
import { FRAME } from "../http2/frame.ts";
import type { HeaderField } from "../http2/header_table.ts";
import {
  concat,
  data,
  END,
  frame,
  headers,
  NOTHING,
  number,
  type Peer,
  WHOLE,
} from "../http2/testing/peer.ts";
import { all, any, failure, rig } from "./testing.ts";
import { ANSWER, greet, message, nextCall, rawServer } from "./testing/raw.ts";

const status = (code: string, ...more: HeaderField[]) =>
  [["grpc-status", code], ...more] as const;

/** A server that answers each call with what it is given for it. */
async function answering(
  answer: (stream: number) => readonly Uint8Array[],
): ReturnType<typeof rawServer> {
  return await rawServer(async (peer: Peer) => {
    await greet(peer);
    for (;;) {
      const next = await peer.next();
      if (next === undefined) return;
      if (next.type !== FRAME.headers) continue;
      await peer.send(...answer(next.stream));
    }
  });
}

const trailers = (stream: number, code = "0", ...more: HeaderField[]) =>
  headers(stream, WHOLE | END, status(code, ...more));

const ANSWERS: readonly (readonly [
  what: string,
  code: string,
  message: string,
  answer: (stream: number) => readonly Uint8Array[],
])[] = [
  [
    "only trailers",
    "notFound",
    'no "ä" at 100%\nnow',
    (id) => [
      headers(id, WHOLE | END, [
        ...ANSWER,
        ...status("5", ["grpc-message", 'no "%C3%A4" at 100%25%0Anow']),
      ]),
    ],
  ],
  [
    "a message that is not encoded as it should be",
    "notFound",
    "50% of %zz",
    (id) => [trailers(id, "5", ["grpc-message", "50% of %zz"])],
  ],
  [
    "a status that nobody has defined",
    "unknown",
    "",
    (id) => [headers(id, WHOLE, ANSWER), trailers(id, "77")],
  ],
  [
    "a status that is no number",
    "unknown",
    "",
    (id) => [headers(id, WHOLE, ANSWER), trailers(id, "")],
  ],
  [
    "no status",
    "unknown",
    "The server answers with HTTP status none",
    (id) => [headers(id, WHOLE, ANSWER), headers(id, WHOLE | END, [["x", ""]])],
  ],
  [
    "an end without trailers",
    "internal",
    "The server has told no status",
    (id) => [headers(id, WHOLE, ANSWER), data(id, message("a"), END)],
  ],
  [
    "a page of HTTP",
    "unavailable",
    "The server answers with HTTP status 503",
    (id) => [
      headers(id, WHOLE, [[":status", "503"], ["content-type", "text/html"]]),
      data(id, new TextEncoder().encode("<p>Not now"), END),
    ],
  ],
  [
    "an empty page of HTTP",
    "unimplemented",
    "The server answers with HTTP status 404",
    (id) => [headers(id, WHOLE | END, [[":status", "404"]])],
  ],
  [
    "headers that say that more follow, and don't",
    "unknown",
    "The server answers with HTTP status 100",
    (id) => [headers(id, WHOLE | END, [[":status", "100"]])],
  ],
  [
    "no answer",
    "internal",
    'Call "/coracle.test.Echo/Once" gave no answer',
    (id) => [headers(id, WHOLE, ANSWER), trailers(id)],
  ],
  [
    "two answers",
    "internal",
    'Call "/coracle.test.Echo/Once" gave more than one answer',
    (id) => [
      headers(id, WHOLE, ANSWER),
      data(id, concat([message("a"), message("b")])),
      trailers(id),
    ],
  ],
  [
    "an answer that is cut off",
    "internal",
    "An answer is cut off",
    (id) => [
      headers(id, WHOLE, ANSWER),
      data(id, message("abc").subarray(0, 8)),
      trailers(id),
    ],
  ],
  [
    "an answer that is compressed",
    "unimplemented",
    "Cannot read a message that is compressed: not implemented",
    (id) =>
      [headers(id, WHOLE, ANSWER), data(id, new Uint8Array([1, 0]), 0)]
        .concat(data(id, new Uint8Array([0, 0, 0]))),
  ],
  [
    "an answer that is too long",
    "resourceExhausted",
    "A message of 4294967295 bytes is too long: the most are 16777216",
    (id) => [
      headers(id, WHOLE, ANSWER),
      data(id, new Uint8Array([0, 255, 255, 255, 255])),
    ],
  ],
  ...([
    [ERROR.none, "internal", "The server has reset the call with error 0"],
    [ERROR.refusedStream, "unavailable", "The server takes no more calls"],
    [ERROR.cancel, "cancelled", "The server has cancelled the call"],
    [ERROR.enhanceYourCalm, "resourceExhausted", "The server has had enough"],
    [99, "internal", "The server has reset the call with error 99"],
  ] as const).map(([error, code, message]) =>
    [
      `a reset with error ${error}`,
      code,
      message,
      (id: number) => [number(FRAME.reset, id, error)],
    ] as const
  ),
];

for (const [what, code, message, answer] of ANSWERS) {
  Deno.test(`a call fails as ${code} that gets ${what}`, async () => {
    await using it = await answering(answer);
    const error = await failure(it.echo.once(any("")));
    assertEquals([error.code, error.message], [code, message]);
    // The connection is as good as before.
    assertEquals((await failure(it.echo.once(any("")))).code, code);
    assertEquals(it.accepted.length, 1);
  });
}

Deno.test("a stream fails whose last answer is cut off", async () => {
  await using it = await answering((id) => [
    headers(id, WHOLE, ANSWER),
    data(id, concat([message("a"), message("b").subarray(0, 3)])),
    trailers(id),
  ]);
  const found: string[] = [];
  const error = await failure((async () => {
    for await (const { typeUrl } of it.echo.repeat(any(""))) {
      found.push(typeUrl);
    }
  })());
  assertEquals([error.message, found], ["An answer is cut off", ["a"]]);
});

Deno.test("a call gets its answer behind headers that come before headers", async () => {
  await using it = await answering((id) => [
    headers(id, WHOLE, [[":status", "103"], ["x-early", "1"]]),
    headers(id, WHOLE, [...ANSWER, ["x-head", "2"], ["x-head", "3"]]),
    data(id, message("a")),
    trailers(id, "0", ["x-tail", "4"], ["x-bin", "AA"]),
  ]);
  const heard: string[] = [];
  const write = (fields: ReadonlyMap<string, string>) => {
    heard.push([...fields].map((field) => field.join("=")).join(" "));
  };
  const options = { onHeaders: write, onTrailers: write };
  assertEquals((await it.echo.once(any(""), options)).typeUrl, "a");
  assertEquals(heard, ["x-head=2, 3", "x-tail=4"]);
});

Deno.test("a call fails, and no other, whose caller's own functions throw", async () => {
  await using it = await rig({
    once: async (_call, request) => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return request;
    },
  });
  const mine = new EngineError("aborted", "I can't hear that");
  const fail = () => {
    throw mine;
  };
  const [onHeaders, onTrailers, other] = await Promise.all([
    failure(it.echo.once(any("a"), { onHeaders: fail })),
    failure(it.echo.once(any("a"), { onTrailers: fail })),
    it.echo.once(any("b")),
  ]);
  assertEquals([onHeaders, onTrailers, other.typeUrl], [mine, mine, "b"]);
  assertEquals(it.server.connections, 1);
});

Deno.test("a call that is left has been reset, and its connection goes on", async () => {
  await using it = await rawServer(async (peer) => {
    await greet(peer);
    const stream = await nextCall(peer);
    const first = data(stream, message("a"));
    await peer.send(headers(stream, WHOLE, ANSWER), first);
    const reset = await peer.nextOf(FRAME.reset);
    assertEquals(reset.stream, stream);
    // What was under way meanwhile.
    await peer.send(data(stream, message("b")), trailers(stream));
    const second = await nextCall(peer);
    await peer.send(headers(second, WHOLE, ANSWER));
    await peer.send(data(second, message("c")), trailers(second));
  });
  for await (const { typeUrl } of it.echo.repeat(any(""))) {
    assertEquals(typeUrl, "a");
    break;
  }
  assertEquals((await it.echo.once(any(""))).typeUrl, "c");
  assert(it.accepted.length === 1);
});

Deno.test("a server's breach of the protocol fails all calls, and ends", async () => {
  const told = Promise.withResolvers<number | undefined>();
  await using it = await rawServer(async (peer) => {
    await greet(peer);
    await nextCall(peer);
    await nextCall(peer);
    await peer.send(frame(FRAME.pushPromise, WHOLE, 1, NOTHING));
    told.resolve(await peer.ending());
  });
  const calls = [it.echo.once(any("")), all(it.echo.repeat(any("")))];
  for (const error of await Promise.all(calls.map(failure))) {
    assertEquals(error.code, "unavailable");
    assertEquals(error.message, "The connection is lost");
  }
  assertEquals(await told.promise, ERROR.protocol);
});
