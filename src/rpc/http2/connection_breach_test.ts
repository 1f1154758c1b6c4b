/** What a connection says to a peer that breaks the rules, and that it ends. */

import { assertEquals } from "@std/assert";
import { Connection } from "./connection.ts";
import { ERROR } from "./breach.ts";
import { FLAG, FRAME, FRAME_BYTES, PREFACE } from "./frame.ts";
import {
  clientRig,
  concat,
  data,
  END,
  frame,
  headers,
  number,
  numberOf,
  openCall,
  PADDED,
  Peer,
  PING,
  type Rig,
  serverRig,
  settings,
  transportPair,
  WHOLE,
} from "./testing/rig.ts";

/** @returns the error with which a server ends that hears nothing but these */
async function errorOf(...bytes: readonly Uint8Array[]): Promise<unknown> {
  const [transport, other] = transportPair();
  const connection = new Connection({
    ...{ role: "server", transport, windowBytes: 1000, now: () => 0 },
    accept: () => ({ headers() {}, data() {}, broken() {} }),
  });
  const peer = new Peer(other);
  await peer.send(...bytes);
  const error = await peer.ending();
  await connection.ended;
  return error;
}

/** The same, behind a greeting, a call that is open and one that is over. */
async function errorAfter(
  it: Rig,
  ...frames: readonly Uint8Array[]
): Promise<unknown> {
  await it.peer.send(...frames);
  return await it.peer.ending();
}

Deno.test("Connection ends when the peer does not begin as it must", async () => {
  const begin = PREFACE.slice();
  begin[3] = 0x47;
  const { protocol } = ERROR;
  assertEquals(await errorOf(begin), protocol);
  const plain = new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n");
  assertEquals(await errorOf(plain), protocol);
  assertEquals(await errorOf(PREFACE, PING), protocol);
  assertEquals(await errorOf(PREFACE, headers(1)), protocol);
  assertEquals(await errorOf(PREFACE, data(1, 0)), protocol);
  const ack = frame(FRAME.settings, FLAG.ack, 0);
  assertEquals(await errorOf(PREFACE, ack, PING), protocol);
});

const { protocol, frameSize, flowControl, compression, enhanceYourCalm } =
  ERROR;
const PRIORITY = FLAG.priority;
const bytes = (...values: number[]) => new Uint8Array(values);
const continuation = (stream: number, flags = 0) =>
  frame(FRAME.continuation, flags, stream);

/** What comes behind stream 1, which is open, and 3, which is over. */
const BREACHES: readonly (readonly [
  what: string,
  error: number,
  ...frames: readonly Uint8Array[],
])[] = [
  ["settings of a stream", protocol, frame(FRAME.settings, 0, 1)],
  [
    "settings that are cut off",
    frameSize,
    frame(4, 0, 0, bytes(0, 4, 0, 0, 0)),
  ],
  ["an answer with settings", frameSize, frame(4, FLAG.ack, 0, bytes(0))],
  ["a window beyond 2^31-1", flowControl, settings([4, 0x80_00_00_00])],
  ["frames below 16 KiB", protocol, settings([5, FRAME_BYTES - 1])],
  ["frames above 16 MiB", protocol, settings([5, 2 ** 24])],
  ["pushes of 2", protocol, settings([2, 2])],
  ["a ping of a stream", protocol, frame(FRAME.ping, 0, 1, bytes(1, 2))],
  ["a ping of 7 bytes", frameSize, frame(FRAME.ping, 0, 0, new Uint8Array(7))],
  ["a goaway of a stream", protocol, frame(FRAME.goAway, 0, 1, bytes(1))],
  ["a short goaway", frameSize, frame(FRAME.goAway, 0, 0, bytes(0, 0))],
  ["an even stream", protocol, headers(6)],
  ["an even stream that is low", protocol, headers(2)],
  ["headers of stream 0", protocol, headers(0)],
  ["data of stream 0", protocol, data(0, 5)],
  ["data of an idle stream", protocol, data(5, 5)],
  ["data of an even stream", protocol, data(2, 5)],
  ["a reset of an idle stream", protocol, number(FRAME.reset, 5, 8)],
  ["a reset of stream 0", protocol, number(FRAME.reset, 0, 8)],
  ["a short reset", frameSize, frame(FRAME.reset, 0, 1, bytes(0, 0))],
  ["a window of an idle stream", protocol, number(FRAME.windowUpdate, 5, 1)],
  ["a window of nothing", protocol, number(FRAME.windowUpdate, 0, 0)],
  ["a stream's of nothing", protocol, number(FRAME.windowUpdate, 1, 0)],
  // The first bit is reserved.
  ["a window of 2^31", protocol, number(FRAME.windowUpdate, 0, 0x80_00_00_00)],
  ["a short window", frameSize, frame(FRAME.windowUpdate, 0, 0, bytes(1, 2))],
  ["a large window", flowControl, number(FRAME.windowUpdate, 0, 0x7f_ff_ff_ff)],
  ["a stream's", flowControl, number(FRAME.windowUpdate, 1, 0x7f_ff_ff_ff)],
  [
    "settings that make a window too large",
    flowControl,
    number(FRAME.windowUpdate, 1, 0x7f_ff_ff_ff - 65_535),
    settings([4, 65_536]),
  ],
  ["a push", protocol, frame(FRAME.pushPromise, WHOLE, 1, bytes(0, 0, 0, 2))],
  ["a frame too long", frameSize, data(1, FRAME_BYTES + 1)],
  ["more padding than data", protocol, data(1, bytes(4, 1, 2, 3), PADDED)],
  ["padding without a length", protocol, data(1, 0, PADDED)],
  ["headers all padding", protocol, frame(1, WHOLE | PADDED, 5, bytes(9, 9))],
  ["half a priority", protocol, frame(1, WHOLE | PRIORITY, 5, bytes(0, 0))],
  ["a continuation of nothing", protocol, continuation(1, WHOLE)],
  ["headers cut by a ping", protocol, headers(5, 0), PING],
  ["headers cut by data", protocol, headers(5, 0), data(1, 5)],
  ["headers cut by others", protocol, headers(5, 0), headers(7)],
  [
    "headers cut by what we don't know",
    protocol,
    headers(5, 0),
    frame(99, 0, 0),
  ],
  ["a continuation of others", protocol, headers(5, 0), continuation(1, WHOLE)],
  [
    "fields that there are not",
    compression,
    frame(1, WHOLE, 5, bytes(0xff, 0)),
  ],
  [
    "wrong ones of what is over",
    compression,
    frame(1, WHOLE, 3, bytes(0xff, 0)),
  ],
  [
    "headers without end",
    enhanceYourCalm,
    headers(5, 0),
    ...Array(4).fill(frame(FRAME.continuation, 0, 5, new Uint8Array(16_384))),
  ],
];

for (const [what, error, ...frames] of BREACHES) {
  Deno.test(`Connection ends with error ${error} for ${what}`, async () => {
    await using it = await serverRig();
    await it.peer.send(headers(1), headers(3, WHOLE | END));
    await it.peer.answers();
    it.heard[1]?.stream.end();
    await it.peer.answers();
    assertEquals(await errorAfter(it, ...frames), error);
    await it.connection.ended;
    // Who is open hears of it once; nobody hears of it twice.
    assertEquals(it.heard[0]?.events, ["headers 3", "broken undefined"]);
    assertEquals(it.heard[1]?.events, ["headers 3 end"]);
  });
}

Deno.test("Connection resets a stream on which comes what must not", async () => {
  await using it = await serverRig({ windowBytes: 1000 });
  await it.peer.send(
    ...[headers(1, WHOLE | END), data(1, 5), data(1, 5)],
    ...[headers(3, WHOLE | END), headers(3, WHOLE | END)],
    ...[headers(5), data(5, 1000), data(5, 1), data(5, 1)],
    ...[
      headers(7),
      data(7, concat([bytes(255), new Uint8Array(1000)]), PADDED),
    ],
  );
  const resets = await it.peer.answers();
  assertEquals(resets.map(({ type }) => type), Array(4).fill(FRAME.reset));
  assertEquals(resets.map((it) => [it.stream, numberOf(it)]), [
    [1, ERROR.streamClosed],
    [3, ERROR.streamClosed],
    [5, ERROR.flowControl],
    [7, ERROR.flowControl],
  ]);
  assertEquals(it.heard.map(({ events }) => events), [
    ["headers 3 end", "broken 5"],
    ["headers 3 end", "broken 5"],
    ["headers 3", "broken 3"],
    ["headers 3", "broken 3"],
  ]);
  assertEquals(it.connection.streams, 0);
});

Deno.test("Connection of a client takes no streams of the server's", async () => {
  const frames = [
    headers(2, WHOLE, [[":status", "200"]]),
    headers(3, WHOLE, [[":status", "200"]]),
    data(3, 1),
    number(FRAME.reset, 3, 1),
    number(FRAME.windowUpdate, 3, 1),
    frame(FRAME.pushPromise, WHOLE, 1, bytes(0, 0, 0, 2)),
  ];
  for (const wrong of frames) {
    await using it = await clientRig();
    const call = openCall(it);
    assertEquals(await errorAfter(it, wrong), ERROR.protocol);
    await it.connection.ended;
    assertEquals(call.events, ["broken undefined"]);
  }
});

Deno.test("Connection refuses more streams than it says that it takes", async () => {
  await using it = await serverRig();
  const most = 65_536;
  const block = headers(1).subarray(9);
  const all = Array.from(
    { length: most + 2 },
    (_, index) => frame(FRAME.headers, WHOLE, 2 * index + 1, block),
  );
  await it.peer.send(...all);
  const resets = await it.peer.answers();
  assertEquals(resets.map((it) => [it.type, it.stream, numberOf(it)]), [
    [FRAME.reset, 2 * most + 1, ERROR.refusedStream],
    [FRAME.reset, 2 * most + 3, ERROR.refusedStream],
  ]);
  assertEquals([it.heard.length, it.connection.streams], [most, most]);
});
