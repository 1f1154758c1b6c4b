/** Whatever comes, a connection ends or goes on, and nobody waits forever. */

import { assert } from "@std/assert";
import fc from "fast-check";
import { Connection } from "./connection.ts";
import { FLAG, FRAME, PREFACE } from "./frame.ts";
import { encodeHeaders } from "./header_encoder.ts";
import type { Stream, StreamListener } from "./stream.ts";
import {
  concat,
  data,
  END,
  frame,
  headers,
  number,
  PADDED,
  Peer,
  PING,
  REQUEST,
  settings,
  transportPair,
  WHOLE,
} from "./testing/rig.ts";

/** So much that no frame is long enough to hide all of it. */
const PINGS = concat(Array(2_000).fill(PING));
const RUNS = { numRuns: 400, interruptAfterTimeLimit: 1_500 };

/** Answers, takes what comes, and notes if it hears what it must not. */
class Answering implements StreamListener {
  readonly #stream: Stream;
  readonly #wrong: string[];
  #state: "open" | "ended" | "broken" = "open";

  /** @param wrong gets what should not be */
  constructor(stream: Stream, wrong: string[]) {
    this.#stream = stream;
    this.#wrong = wrong;
  }

  headers(_fields: unknown, isEnd: boolean): void {
    this.#hear(isEnd);
    this.#stream.sendHeaders([[":status", "200"]]);
    this.#stream.write(new Uint8Array(20_000));
    if (isEnd) this.#stream.end([["x-end", ""]]);
  }

  data({ length }: Uint8Array, isEnd: boolean): void {
    this.#hear(isEnd);
    this.#stream.write(new Uint8Array(length));
    this.#stream.taken(length);
    if (isEnd) this.#stream.end();
  }

  broken(): void {
    if (this.#state === "broken") this.#wrong.push("broken twice");
    if (!this.#stream.isClosed) this.#wrong.push("broken, and open");
    this.#state = "broken";
  }

  #hear(isEnd: boolean): void {
    if (this.#state !== "open") this.#wrong.push(`more when ${this.#state}`);
    if (isEnd) this.#state = "ended";
  }
}

async function survives(
  role: "client" | "server",
  chunks: readonly Uint8Array[],
): Promise<void> {
  const [transport, other] = transportPair();
  const wrong: string[] = [];
  const connection = new Connection({
    ...{ role, transport, windowBytes: 1_000, now: () => 0 },
    ...role === "server" &&
      { accept: (stream) => new Answering(stream, wrong) },
  });
  if (role === "client") call(connection, wrong);
  const peer = new Peer(other);
  if (role === "client") await peer.take(PREFACE.length);
  // Nobody takes more when it has ended.
  for (const chunk of [...chunks, PINGS]) {
    await peer.send(chunk).catch(() => {});
  }
  let isAnswered = false;
  for (let next; !isAnswered && (next = await peer.next()) !== undefined;) {
    isAnswered = next.type === FRAME.ping && next.flags === FLAG.ack;
  }
  // Else it had ended, or this would not be reached.
  peer.close();
  await connection.ended;
  assert(connection.streams === 0, `${connection.streams} are left`);
  assert(wrong.length === 0, wrong[0]);
}

function call(connection: Connection, wrong: string[]): void {
  for (let calls = 0; calls < 3; calls++) {
    const stream: Stream = connection.open(REQUEST, {
      headers: (fields, isEnd) => listener.headers(fields, isEnd),
      data: (piece, isEnd) => listener.data(piece, isEnd),
      broken: () => listener.broken(),
    });
    const listener = new Answering(stream, wrong);
  }
}

const SESSION = concat([
  settings([3, 100], [4, 1_000], [5, 20_000]),
  frame(FRAME.settings, FLAG.ack, 0),
  headers(1),
  data(1, 50),
  number(FRAME.windowUpdate, 1, 5_000),
  number(FRAME.windowUpdate, 0, 5_000),
  frame(FRAME.headers, END, 3, encodeHeaders(REQUEST).subarray(0, 2)),
  frame(FRAME.continuation, WHOLE, 3, encodeHeaders(REQUEST).subarray(2)),
  data(1, new Uint8Array([2, 9, 9, 9, 0, 0]), PADDED),
  PING,
  headers(1, WHOLE | END, [["x-sum", "5"]]),
  headers(5),
  settings([4, 100]),
  number(FRAME.reset, 5, 8),
  headers(7),
  frame(FRAME.goAway, 0, 0, new Uint8Array(8)),
  data(7, 10, END),
]);

const role = fc.constantFrom("client", "server");
const place = fc.nat(SESSION.length - 1);
const mutation = fc.record({
  at: place,
  byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 127, 128, 255)),
  kind: fc.constantFrom("change", "leave out", "put in", "twice"),
});

function mutated(
  bytes: Uint8Array,
  changes: readonly { at: number; byte: number; kind: string }[],
): Uint8Array {
  let found = bytes;
  for (const { at, byte, kind } of changes) {
    const [left, right] = [found.subarray(0, at), found.subarray(at)];
    const parts: Readonly<Record<string, Uint8Array[]>> = {
      "change": [left, new Uint8Array([byte]), right.subarray(1)],
      "leave out": [left, right.subarray(1 + byte % 20)],
      "put in": [left, new Uint8Array(1 + byte % 10).fill(byte), right],
      "twice": [left, right.subarray(0, byte), right],
    };
    found = concat(parts[kind] ?? []);
  }
  return found;
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    chunks.push(bytes.subarray(at, at + size));
  }
  return chunks;
}

const size = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constant(10_000));
const greeting = (role: string) => role === "server" ? [PREFACE] : [];

Deno.test("Connection ends or goes on, whatever is wrong in what it hears", async () => {
  const changes = fc.array(mutation, { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(role, changes, size, async (role, changes, size) => {
      const bytes = mutated(SESSION, changes);
      await survives(role, cut(concat([...greeting(role), bytes]), size));
    }),
    RUNS,
  );
});

const payload = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constant(encodeHeaders(REQUEST)),
  fc.constantFrom(4, 5, 8, 1_000).map((length) => new Uint8Array(length)),
);
const anyFrame = fc.record({
  type: fc.oneof(fc.nat(10), fc.constantFrom(0, 1, 3, 8)),
  flags: fc.oneof(fc.constantFrom(0, 1, 4, 5), fc.nat(255)),
  stream: fc.oneof(fc.nat(9), fc.constantFrom(1, 1, 3, 5)),
  payload,
}).map(({ type, flags, stream, payload }) =>
  frame(type, flags, stream, payload)
);

Deno.test("Connection ends or goes on, whatever frames there are", async () => {
  const frames = fc.array(anyFrame, { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(role, frames, size, async (role, frames, size) => {
      const bytes = concat([...greeting(role), settings(), ...frames]);
      await survives(role, cut(bytes, size));
    }),
    RUNS,
  );
});
