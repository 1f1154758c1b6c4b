/** What is sent, and when: as much as the peer lets us. */

import { assert, assertEquals } from "@std/assert";
import { ERROR } from "./breach.ts";
import { FLAG, FRAME, FRAME_BYTES } from "./frame.ts";
import {
  clientRig,
  END,
  type Frame,
  frame,
  headers,
  type Heard,
  number,
  numberOf,
  openCall,
  type Rig,
  type RigOptions,
  serverRig,
  settings,
  turn,
  WHOLE,
} from "./testing/rig.ts";

const WINDOW = 4;
const FRAME_SIZE = 5;
const KIB = 1024;

/** A server that has as many calls to answer. */
async function called(calls: number, options: RigOptions = {}): Promise<Rig> {
  const it = await serverRig(options);
  const ids = Array.from({ length: calls }, (_, index) => 2 * index + 1);
  await it.peer.send(...ids.map((id) => headers(id, WHOLE | END)));
  await it.peer.answers();
  return it;
}

function callOf(it: Rig, index: number): Heard {
  const found = it.heard[index];
  assert(found !== undefined, `there is no call ${index}`);
  return found;
}

/** `stream:bytes`, of data. */
function sizes(frames: readonly Frame[]): string[] {
  return frames.filter(({ type }) => type === FRAME.data)
    .map(({ stream, payload }) => `${stream}:${payload.length}`);
}

/** What is sent when the peer lets a stream send more. */
async function answersTo(
  it: Rig,
  ...frames: readonly Uint8Array[]
): Promise<string[]> {
  await it.peer.send(...frames);
  return sizes(await it.peer.answers());
}

const more = (stream: number, bytes: number) =>
  number(FRAME.windowUpdate, stream, bytes);

Deno.test("Stream sends no more than its window, and the rest when it grows", async () => {
  await using it = await called(1, { greeting: settings([WINDOW, 10]) });
  const { stream } = callOf(it, 0);
  stream.write(new Uint8Array(4), new Uint8Array(21));
  stream.end();
  assertEquals(sizes(await it.peer.answers()), ["1:10"]);
  assertEquals(await answersTo(it, more(1, 3)), ["1:3"]);
  assertEquals(await answersTo(it, more(0, 1000)), []);
  await it.peer.send(more(1, 100));
  const [last] = await it.peer.answers();
  assertEquals([last?.payload.length, last?.flags], [12, FLAG.endStream]);
  assertEquals(it.connection.streams, 0);
});

Deno.test("Stream sends the bytes that were written, whatever pieces they are cut to", async () => {
  await using it = await called(1, { greeting: settings([WINDOW, 7]) });
  const { stream } = callOf(it, 0);
  const written = Array.from({ length: 50 }, (_, value) => value);
  for (const value of written) stream.write(new Uint8Array([value]));
  const found: number[] = [];
  while (found.length < written.length) {
    for (const { payload } of await it.peer.answers()) found.push(...payload);
    await it.peer.send(more(1, 7));
  }
  assertEquals(found, written);
});

Deno.test("Stream recovers from a window that settings have made negative", async () => {
  await using it = await called(2, { greeting: settings([WINDOW, 100]) });
  for (const { stream } of it.heard) stream.write(new Uint8Array(150));
  assertEquals(sizes(await it.peer.answers()), ["1:100", "3:100"]);
  // To -60, up to -10, and to 5.
  assertEquals(await answersTo(it, settings([WINDOW, 40])), []);
  assertEquals(await answersTo(it, more(1, 50)), []);
  assertEquals(await answersTo(it, more(1, 15)), ["1:5"]);
  assertEquals(await answersTo(it, settings([WINDOW, 120])), ["1:45", "3:20"]);
});

Deno.test("Connection answers settings in front of what they allow", async () => {
  await using it = await called(1, { greeting: settings([WINDOW, 10]) });
  callOf(it, 0).stream.write(new Uint8Array(50));
  assertEquals(sizes(await it.peer.answers()), ["1:10"]);
  await it.peer.send(settings([WINDOW, 30]));
  const types = (await it.peer.answers()).map(({ type }) => type);
  assertEquals(types, [FRAME.settings, FRAME.data]);
});

Deno.test("Connection says once that it keeps no headers, to who keeps fewer", async () => {
  const keepsNone = settings([1, 0], [1, 4096]);
  await using it = await called(3, { greeting: keepsNone });
  for (const { stream } of it.heard.slice(0, 2)) {
    stream.sendHeaders([[":status", "200"]]);
  }
  await it.peer.send(settings([1, 4096]));
  callOf(it, 2).stream.sendHeaders([[":status", "200"]]);
  const blocks = (await it.peer.answers())
    .filter(({ type }) => type === FRAME.headers)
    .map(({ payload }) => [...payload]);
  assertEquals(blocks, [[0x20, 0x88], [0x88], [0x88]]);
});

Deno.test("streams share the connection's window in turns", async () => {
  await using it = await called(4, { greeting: settings([WINDOW, 2 ** 20]) });
  callOf(it, 0).stream.write(new Uint8Array(65_535));
  // It has had all there was; what it and the others write waits.
  for (const { stream } of it.heard) stream.write(new Uint8Array(20_000));
  await it.peer.answers();
  assertEquals(await answersTo(it, more(0, 60_000)), [
    ...["1:16384", "3:16384", "5:16384", "7:10848"],
  ]);
  assertEquals(await answersTo(it, more(0, 5_000)), ["1:3616", "3:1384"]);
  const rest = await answersTo(it, more(0, 2 ** 20));
  assertEquals(rest.toSorted(), ["3:2232", "5:3616", "7:9152"]);
});

Deno.test("Stream ends with trailers when there is no window at all", async () => {
  await using it = await called(3, { greeting: settings([WINDOW, 0]) });
  callOf(it, 0).stream.end([["x-end", "1"]]);
  callOf(it, 1).stream.end();
  const held = callOf(it, 2).stream;
  held.write(new Uint8Array(5));
  held.end([["x-end", "3"]]);
  const [trailers, empty, ...none] = await it.peer.answers();
  assertEquals([trailers?.type, trailers?.flags], [FRAME.headers, WHOLE | END]);
  assertEquals([empty?.type, empty?.flags], [FRAME.data, FLAG.endStream]);
  assertEquals([empty?.payload.length, none.length], [0, 0]);
  await it.peer.send(more(5, 5));
  const [data, end] = await it.peer.answers();
  assertEquals([data?.type, data?.flags], [FRAME.data, 0]);
  assertEquals([end?.type, end?.flags], [FRAME.headers, WHOLE | END]);
});

Deno.test("Stream sends frames no longer than the peer takes", async () => {
  const greeting = settings([WINDOW, 2 ** 20], [FRAME_SIZE, 40_000]);
  await using it = await called(1, { greeting });
  const { stream } = callOf(it, 0);
  stream.sendHeaders([["x-long", "v".repeat(50_000)]]);
  stream.write(new Uint8Array(60_000));
  const frames = await it.peer.answers();
  const shapes = frames.map(({ type, flags, payload }) =>
    [type, flags, payload.length] as const
  );
  const [, , rest] = shapes[1] ?? [];
  assertEquals(shapes.slice(0, 2), [
    [FRAME.headers, 0, 40_000],
    [FRAME.continuation, WHOLE, rest ?? 0],
  ]);
  assertEquals(sizes(frames), ["1:40000", "1:20000"]);
});

Deno.test("Stream sends headers of many frames in one go, behind which is data", async () => {
  await using it = await called(2, { mostBytes: KIB });
  const value = "v".repeat(3 * FRAME_BYTES);
  callOf(it, 1).stream.write(new Uint8Array(30 * KIB));
  callOf(it, 0).stream.sendHeaders([["x-long", value]]);
  callOf(it, 1).stream.write(new Uint8Array(10));
  const frames = await it.peer.answers();
  const at = frames.findIndex(({ type }) => type === FRAME.headers);
  const types = frames.slice(at, at + 4).map(({ type }) => type);
  assertEquals(types, [1, 9, 9, 9]);
});

Deno.test("room() settles when there is less to send, or nothing more is wanted", async () => {
  await using it = await called(3);
  const settled: string[] = [];
  const waiting = it.heard.map(({ stream }) => {
    assertEquals(stream.room(), undefined);
    stream.write(new Uint8Array(200 * KIB));
    return stream.room()?.then(() => settled.push(String(stream.id)));
  });
  await it.peer.answers();
  await turn();
  assertEquals(settled, []);
  await it.peer.send(number(FRAME.reset, 1, ERROR.cancel));
  await waiting[0];
  assertEquals(settled, ["1"]);
  await it.peer.send(more(0, 2 ** 20), more(3, 2 ** 20));
  await waiting[1];
  assertEquals(settled, ["1", "3"]);
  it.connection.close();
  await waiting[2];
  // Whoever goes on does so in vain, without harm.
  const { stream } = callOf(it, 2);
  stream.write(new Uint8Array(200 * KIB));
  stream.end([["x", "y"]]);
  stream.reset(ERROR.cancel);
  stream.taken(5);
  stream.sendHeaders([["x", "y"]]);
  assertEquals([stream.room(), stream.isClosed], [undefined, true]);
});

Deno.test("close() ends a connection whose peer takes nothing", async () => {
  await using it = await called(1, { mostBytes: 100 });
  callOf(it, 0).stream.write(new Uint8Array(50 * KIB));
  const finished = it.connection.finish();
  await turn();
  it.connection.close();
  await Promise.all([finished, it.connection.ended]);
  assertEquals(callOf(it, 0).events, ["headers 3 end", "broken undefined"]);
});

Deno.test("finish() sends everything first", async () => {
  await using it = await called(2, { greeting: settings([WINDOW, 1000]) });
  for (const { stream } of it.heard) {
    stream.write(new Uint8Array(2500));
    stream.end();
  }
  const finished = it.connection.finish();
  const frames = await it.peer.answers();
  await it.peer.send(more(1, 5000), more(3, 5000));
  for (let next; (next = await it.peer.next()) !== undefined;) {
    frames.push(next);
  }
  await finished;
  const sum = (id: number) =>
    frames.filter(({ type, stream }) => type === FRAME.data && stream === id)
      .reduce((sum, { payload }) => sum + payload.length, 0);
  assertEquals([sum(1), sum(3)], [2500, 2500]);
});

Deno.test("Stream of a server that has answered wants no more of the request", async () => {
  await using it = await serverRig();
  await it.peer.send(headers(1));
  await it.peer.answers();
  callOf(it, 0).stream.end([["x-end", ""]]);
  const [end, reset, ...none] = await it.peer.answers();
  assertEquals([end?.flags, reset?.type, none], [WHOLE | END, FRAME.reset, []]);
  assertEquals(reset && numberOf(reset), ERROR.none);
  assertEquals(callOf(it, 0).events, ["headers 3"]);
});

Deno.test("Stream of a client that has its answer sends no more of the request", async () => {
  await using it = await clientRig();
  const call = openCall(it);
  call.stream.write(new Uint8Array(200 * KIB));
  const room = call.stream.room();
  await it.peer.send(headers(1, WHOLE | END, [[":status", "200"]]));
  await room;
  const frames = await it.peer.answers();
  assertEquals(frames.at(-1)?.type, FRAME.reset);
  assertEquals(call.events, ["headers 1 end"]);
  assertEquals(it.connection.streams, 0);
});

Deno.test("taken() lets the peer send more, in steps, until it has ended", async () => {
  await using it = await serverRig({ windowBytes: 1000 });
  await it.peer.send(headers(1));
  await it.peer.answers();
  const { stream } = callOf(it, 0);
  stream.taken(249);
  assertEquals(await it.peer.answers(), []);
  stream.taken(1);
  const [given] = await it.peer.answers();
  assertEquals(given && [given.type, given.stream, numberOf(given)], [
    8,
    1,
    250,
  ]);
  await it.peer.send(frame(FRAME.data, END, 1, new Uint8Array(1250)));
  await it.peer.answers();
  assertEquals(callOf(it, 0).events.at(-1), "data 1250 end");
  stream.taken(1250);
  assertEquals(await it.peer.answers(), []);
});

Deno.test("open() throws for what can't be in a header, and takes no number", async () => {
  await using it = await clientRig();
  const listener = { headers() {}, data() {}, broken() {} };
  let error: unknown;
  try {
    it.connection.open([["x", "\n"]], listener);
  } catch (thrown) {
    error = thrown;
  }
  assert(error instanceof TypeError);
  assertEquals(it.connection.streams, 0);
  assertEquals(openCall(it).stream.id, 1);
});
