import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type AttachFrame, encodeFrame, FrameReader } from "./attach_frame.ts";

const anyFrame: fc.Arbitrary<AttachFrame> = fc.record({
  stream: fc.constantFrom("stdout", "stderr"),
  bytes: fc.uint8Array({ maxLength: 40 }),
});

Deno.test("FrameReader.push() finds what encodeFrame() made, however it is cut", () => {
  fc.assert(fc.property(
    fc.array(anyFrame),
    fc.integer({ min: 1, max: 60 }),
    (frames, pieceBytes) => {
      const all = frames.flatMap((frame) => [...encodeFrame(frame)]);
      const reader = new FrameReader();
      const found: AttachFrame[] = [];
      for (let at = 0; at < all.length; at += pieceBytes) {
        const piece = Uint8Array.from(all.slice(at, at + pieceBytes));
        for (const { stream, bytes } of reader.push(piece)) {
          found.push({ stream, bytes: bytes.slice() });
        }
      }
      assertEquals(found, frames);
    },
  ));
});
