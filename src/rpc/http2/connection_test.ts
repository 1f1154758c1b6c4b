/** What a connection makes of what an honest peer may say. */

import { assertEquals } from "@std/assert";
import { Connection } from "./connection.ts";
import { ERROR } from "./breach.ts";
import { FLAG, FRAME, PREFACE } from "./frame.ts";
import { encodeHeaders } from "./header_encoder.ts";
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
  REQUEST,
  serverRig,
  settings,
  transportPair,
  WHOLE,
} from "./testing/rig.ts";

Deno.test("Connection answers pings with what is in them, and no answers", async () => {
  await using it = await serverRig();
  const payload = new TextEncoder().encode("12345678");
  await it.peer.send(
    frame(FRAME.ping, FLAG.ack, 0, payload),
    frame(FRAME.ping, 0, 0, payload),
  );
  const answer = await it.peer.next();
  assertEquals([answer?.type, answer?.flags], [FRAME.ping, FLAG.ack]);
  assertEquals(answer?.payload, payload);
  assertEquals(await it.peer.answers(), []);
});

Deno.test("Connection does not mind what it does not know", async () => {
  await using it = await serverRig();
  await it.peer.send(
    frame(200, 0xff, 0, new Uint8Array(100)),
    frame(201, 0, 77),
    frame(FRAME.priority, 0, 9, new Uint8Array(5)),
    settings([0x99, 7], [8, 1]),
    headers(1, WHOLE | END | 0x42),
  );
  const [ack, ...more] = await it.peer.answers();
  assertEquals([ack?.type, ack?.flags, more], [FRAME.settings, FLAG.ack, []]);
  assertEquals(it.heard[0]?.events, ["headers 3 end"]);
});

Deno.test("Connection takes a preface and frames a byte at a time", async () => {
  const [transport, other] = transportPair();
  const heard: number[] = [];
  const connection = new Connection({
    ...{ role: "server", transport, windowBytes: 1000, now: () => 0 },
    accept: ({ id }) => ({
      headers: ({ length }) => heard.push(id, length),
      data: ({ length }) => heard.push(length),
      broken: () => heard.push(-1),
    }),
  });
  const peer = new Peer(other);
  const bytes = concat([PREFACE, settings(), headers(1), data(1, 3, END)]);
  for (const byte of bytes) await peer.send(new Uint8Array([byte]));
  await peer.answers();
  assertEquals(heard, [1, 3, 1, 1, 1, -1].slice(0, 5));
  peer.close();
  await connection.ended;
});

Deno.test("Connection leaves padding and priorities out, and gives padding back", async () => {
  await using it = await serverRig({ windowBytes: 1000 });
  const block = encodeHeaders(REQUEST);
  const padding = new Uint8Array(200);
  const padded = concat([new Uint8Array([200, 0, 0, 0, 0, 9]), block, padding]);
  await it.peer.send(
    frame(FRAME.headers, WHOLE | PADDED | FLAG.priority, 1, padded),
  );
  // Thirty times 301 bytes are more than a window of 1,000.
  const piece = concat([new Uint8Array([200, ...Array(100).fill(7)]), padding]);
  let given = 1000;
  for (let times = 0; times < 30; times++) {
    await it.peer.send(data(1, piece, PADDED));
    given -= piece.length;
    for (const answer of await it.peer.answers()) given += numberOf(answer);
    it.heard[0]?.stream.taken(100);
    for (const answer of await it.peer.answers()) given += numberOf(answer);
  }
  await it.peer.send(data(1, new Uint8Array([3, 0, 0, 0]), PADDED | END));
  await it.peer.answers();
  assertEquals(it.heard[0]?.events, ["headers 3", "data 3000 end"]);
  // Less than a quarter may be owed.
  assertEquals(given > 750 && given <= 1000, true, `${given}`);
});

Deno.test("Connection puts headers together from many frames", async () => {
  await using it = await serverRig();
  const block = encodeHeaders([...REQUEST, ["x-long", "v".repeat(3000)]]);
  const parts = Array.from(
    block,
    (byte) => frame(FRAME.continuation, 0, 1, new Uint8Array([byte])),
  );
  await it.peer.send(frame(FRAME.headers, END, 1));
  // Each is where the one before it was.
  for (const part of parts) await it.peer.send(part);
  await it.peer.send(frame(FRAME.continuation, WHOLE, 1));
  await it.peer.answers();
  assertEquals(it.heard[0]?.events, ["headers 4 end"]);
});

Deno.test("Connection hears of trailers, and of an end by them", async () => {
  await using it = await serverRig();
  await it.peer.send(
    headers(1),
    data(1, 5),
    headers(1, WHOLE | END, [["x-sum", "5"]]),
  );
  await it.peer.answers();
  assertEquals(it.heard[0]?.events, ["headers 3", "headers 1 end"]);
});

Deno.test("Connection ignores what was under way when it reset a stream", async () => {
  await using it = await serverRig();
  await it.peer.send(headers(1), headers(3));
  await it.peer.answers();
  it.heard[0]?.stream.reset(ERROR.cancel);
  await it.peer.send(
    data(1, 10),
    headers(1, WHOLE | END, [["x-new", "in the table"]]),
    number(FRAME.windowUpdate, 1, 10),
    number(FRAME.reset, 1, ERROR.cancel),
    number(FRAME.windowUpdate, 1, 10),
    data(3, 4, END),
  );
  const [reset, ...more] = await it.peer.answers();
  assertEquals([reset?.type, reset?.stream, more], [FRAME.reset, 1, []]);
  const events = it.heard.map(({ events }) => events);
  assertEquals(events, [["headers 3"], ["headers 3", "data 4 end"]]);
});

Deno.test("Connection tells of a reset once, and of its end to who is open", async () => {
  await using it = await serverRig();
  await it.peer.send(headers(1), headers(3), headers(5));
  await it.peer.send(
    number(FRAME.reset, 1, ERROR.cancel),
    number(FRAME.reset, 1, ERROR.cancel),
  );
  await it.peer.answers();
  it.heard[2]?.stream.reset(ERROR.internal);
  it.peer.close();
  await it.connection.ended;
  assertEquals(it.heard.map(({ events }) => events.slice(1)), [
    ["broken 8"],
    ["broken undefined"],
    [],
  ]);
  assertEquals([it.connection.streams, it.connection.isUsable], [0, false]);
});

Deno.test("Connection gives back what is sent for nobody", async () => {
  await using it = await serverRig({ windowBytes: 16 * 1024 * 1024 });
  await it.peer.send(headers(1));
  await it.peer.answers();
  it.heard[0]?.stream.reset(ERROR.cancel);
  let given = 0;
  for (let mebibytes = 0; mebibytes < 20; mebibytes++) {
    await it.peer.send(...Array(64).fill(data(1, 16 * 1024)));
    for (const answer of await it.peer.answers()) {
      if (answer.type === FRAME.windowUpdate) given += numberOf(answer);
    }
  }
  assertEquals(given > 16 * 1024 * 1024, true, `${given} were given back`);
});

Deno.test("finish() lets open calls end, and minds none that come", async () => {
  await using it = await serverRig();
  await it.peer.send(headers(1));
  await it.peer.answers();
  const finished = it.connection.finish();
  // It has not heard of it yet.
  await it.peer.send(
    headers(3),
    data(3, 10),
    number(FRAME.windowUpdate, 3, 10),
    number(FRAME.reset, 3, ERROR.cancel),
    data(1, 7, END),
  );
  const [away, ...more] = await it.peer.answers();
  assertEquals([away?.type, numberOf(away ?? PINGED), more], [7, 1, []]);
  assertEquals(it.heard.map(({ events }) => events), [
    ["headers 3", "data 7 end"],
  ]);
  it.heard[0]?.stream.end([["x-end", ""]]);
  assertEquals((await it.peer.next())?.type, FRAME.headers);
  assertEquals(await it.peer.next(), undefined);
  await finished;
});

const PINGED = { type: 6, flags: 0, stream: 0, payload: PING };

Deno.test("finish() settles for all who call it", async () => {
  await using it = await serverRig();
  await it.peer.send(headers(1, WHOLE | END));
  await it.peer.answers();
  const finished = [it.connection.finish(), it.connection.finish()];
  await it.peer.answers();
  it.heard[0]?.stream.end();
  await Promise.all(finished);
});

Deno.test("Connection says GOAWAY's meaning to calls that it does not cover", async () => {
  await using it = await clientRig();
  const calls = [openCall(it), openCall(it), openCall(it)];
  await it.peer.send(
    frame(FRAME.goAway, 0, 0, new Uint8Array([0, 0, 0, 1, 0, 0, 0, 0, 65])),
    headers(1, WHOLE | END, [[":status", "200"]]),
  );
  await it.peer.answers();
  assertEquals(calls.map(({ events }) => events), [
    ["headers 1 end"],
    ["broken 7"],
    ["broken 7"],
  ]);
  assertEquals([it.connection.streams, it.connection.isUsable], [0, false]);
});
