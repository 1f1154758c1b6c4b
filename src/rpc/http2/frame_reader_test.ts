import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Breach, ERROR } from "./breach.ts";
import { encodeFrame, FRAME, FRAME_BYTES, type FrameHead } from "./frame.ts";
import { FrameReader } from "./frame_reader.ts";
import { concat, type Frame, PADDED } from "./testing/rig.ts";

/** What a reader gives for the chunks, pieces of data joined again. */
function readAll(chunks: Iterable<Uint8Array>): Frame[] {
  const frames: Frame[] = [];
  let pieces: Uint8Array[] = [];
  const taken = (head: FrameHead, payload: Uint8Array) => {
    frames.push({ ...head, payload: payload.slice() });
  };
  const reader = new FrameReader({
    frame: taken,
    data(head, piece, isLast) {
      pieces.push(piece.slice());
      if (!isLast) return;
      taken(head, concat(pieces));
      pieces = [];
    },
  });
  for (const chunk of chunks) {
    // What is given is the reader's: it changes after the call.
    const lent = chunk.slice();
    reader.push(lent);
    lent.fill(0xee);
  }
  return frames;
}

/** @param sizes of the chunks, over and over */
function* cut(bytes: Uint8Array, sizes: readonly number[]) {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const frames = fc.array(
  fc.record({
    type: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 })),
    flags: fc.oneof(fc.constant(PADDED), fc.integer({ min: 0, max: 255 })),
    stream: fc.integer({ min: 0, max: 0x7f_ff_ff_ff }),
    payload: fc.uint8Array({ maxLength: 60 }),
  }),
  { maxLength: 12 },
);
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });

Deno.test("FrameReader gives the same frames whatever chunks they come in", () => {
  fc.assert(fc.property(frames, sizes, (wanted, sizes) => {
    const bytes = concat(wanted.map((it) => encodeFrame(it, it.payload)));
    assertEquals(readAll([bytes]), wanted);
    assertEquals(readAll(cut(bytes, sizes)), wanted);
  }));
});

Deno.test("FrameReader gives frames of 16 KiB, and no longer ones", () => {
  for (const type of [FRAME.data, FRAME.headers, FRAME.ping, 200]) {
    const head = { type, flags: 0, stream: 1 };
    const most = encodeFrame(head, new Uint8Array(FRAME_BYTES).fill(7));
    assertEquals(readAll(cut(most, [1000]))[0]?.payload.length, FRAME_BYTES);
    const tooLong = encodeFrame(head, new Uint8Array(FRAME_BYTES + 1));
    // Said when its length is known: nobody keeps what nobody will take.
    const error = assertThrows(() => readAll([tooLong.subarray(0, 9)]), Breach);
    assertEquals(error.error, ERROR.frameSize);
  }
});

Deno.test("FrameReader leaves the reserved bit out of a stream's number", () => {
  const bytes = encodeFrame(
    { type: 8, flags: 0, stream: 5 },
    new Uint8Array(4),
  );
  bytes[5] = 0x80;
  assertEquals(readAll([bytes])[0]?.stream, 5);
});
