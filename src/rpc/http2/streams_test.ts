/** Many streams at once: all that may be sent is, and no more. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DEFAULT_WINDOW_BYTES } from "./settings.ts";
import { FRAME } from "./frame.ts";
import {
  END,
  type Frame,
  headers,
  number,
  type Rig,
  serverRig,
  settings,
  WHOLE,
} from "./testing/rig.ts";

const STREAMS = 4;
const INITIAL_WINDOW_SIZE = 4;

/** Of one stream, what its peer knows of it and what it should get. */
interface Expected {
  readonly id: number;
  window: number;
  written: number;
  got: number;
  isEnding: boolean;
  isEnded: boolean;
}

/** What a peer that counts thinks of what it gets. */
class Model {
  readonly #it: Rig;
  readonly streams: readonly Expected[];
  #window = DEFAULT_WINDOW_BYTES;
  #initial: number;

  constructor(it: Rig, initial: number) {
    this.#it = it;
    this.#initial = initial;
    this.streams = it.heard.map(({ stream: { id } }) => ({
      ...{ id, window: initial, written: 0, got: 0 },
      ...{ isEnding: false, isEnded: false },
    }));
  }

  at(index: number): Expected {
    const found = this.streams[index % this.streams.length];
    assert(found !== undefined);
    return found;
  }

  write(index: number, bytes: number): void {
    const expected = this.at(index);
    if (expected.isEnding) return;
    // Each byte says where it is.
    const piece = Uint8Array.from(
      { length: bytes },
      (_, at) => (expected.written + at) % 251,
    );
    this.#it.heard[index % STREAMS]?.stream.write(piece);
    expected.written += bytes;
  }

  end(index: number): void {
    this.at(index).isEnding = true;
    this.#it.heard[index % STREAMS]?.stream.end();
  }

  async grow(index: number | "all", bytes: number): Promise<void> {
    const stream = index === "all" ? undefined : this.at(index);
    if (stream === undefined) this.#window += bytes;
    else stream.window += bytes;
    const update = number(FRAME.windowUpdate, stream?.id ?? 0, bytes);
    await this.#it.peer.send(update);
  }

  async change(initial: number): Promise<void> {
    for (const it of this.streams) it.window += initial - this.#initial;
    this.#initial = initial;
    await this.#it.peer.send(settings([INITIAL_WINDOW_SIZE, initial]));
  }

  /** Takes all that is sent, and looks that nothing is kept back. */
  async check(): Promise<void> {
    // An answer to a ping may overtake what waits for the sender's room.
    for (let isMore = true; isMore;) {
      const frames = await this.#it.peer.answers();
      const data = frames.filter(({ type }) => type === FRAME.data);
      for (const frame of data) this.#take(frame);
      isMore = data.length > 0;
    }
    for (const it of this.streams) {
      const isHeld = it.window <= 0 || this.#window <= 0;
      assert(it.got === it.written || isHeld, `${it.id} could send`);
      assertEquals(it.isEnded, it.isEnding && it.got === it.written);
    }
  }

  #take({ stream, flags, payload }: Frame): void {
    const it = this.at((stream - 1) / 2);
    assert(!it.isEnded, "there is data behind the end");
    for (const byte of payload) assertEquals(byte, it.got++ % 251);
    it.window -= payload.length;
    this.#window -= payload.length;
    const isAllowed = it.window >= 0 && this.#window >= 0;
    assert(payload.length === 0 || isAllowed, `${stream} sent too much`);
    if ((flags & END) !== 0) it.isEnded = true;
  }
}

const index = fc.nat(STREAMS - 1);
const few = fc.integer({ min: 1, max: 3_000 });
const many = fc.integer({ min: 1, max: 70_000 });
const kinds = {
  "write": 6,
  "grow": 4,
  "grow all": 4,
  "change": 2,
  "end": 1,
};
const kind = fc.oneof(
  ...Object.entries(kinds).map(([kind, weight]) => ({
    arbitrary: fc.constant(kind),
    weight,
  })),
);
const step = fc.record({ kind, index, bytes: fc.oneof(few, many) });
const steps = fc.array(step, { maxLength: 40, size: "max" });

async function act(
  model: Model,
  { kind, index, bytes }: { kind: string; index: number; bytes: number },
): Promise<void> {
  if (kind === "write") model.write(index, bytes);
  if (kind === "grow") await model.grow(index, bytes);
  if (kind === "grow all") await model.grow("all", bytes);
  if (kind === "change") await model.change(bytes);
  if (kind === "end") model.end(index);
}

Deno.test("streams send all that they may, in order, and no more", async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(few, many), steps, async (initial, steps) => {
      const greeting = settings([INITIAL_WINDOW_SIZE, initial]);
      await using it = await serverRig({ greeting });
      const ids = Array.from({ length: STREAMS }, (_, at) => 2 * at + 1);
      await it.peer.send(...ids.map((id) => headers(id, WHOLE | END)));
      await it.peer.answers();
      const model = new Model(it, initial);
      for (const step of steps) {
        await act(model, step);
        await model.check();
      }
      // In the end everybody may send everything.
      await model.grow("all", 2 ** 25);
      for (const at of ids.keys()) {
        if (!model.at(at).isEnded) await model.grow(at, 2 ** 25);
        model.end(at);
      }
      await model.check();
      assert(model.streams.every(({ isEnded }) => isEnded));
      assertEquals(it.connection.streams, 0);
    }),
    {
      numRuns: 150,
      interruptAfterTimeLimit: 1_500,
      // More at once than the sender has room for, and then the end alone.
      examples: [[1, [
        { kind: "write", index: 2, bytes: 61_160 },
        { kind: "end", index: 2, bytes: 1 },
        { kind: "write", index: 3, bytes: 203_815 },
      ]]],
    },
  );
});
