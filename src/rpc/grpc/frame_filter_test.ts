import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { EngineError } from "../../base/errors.ts";
import { FrameFilter, type FrameFilterOptions } from "./frame_filter.ts";

const PREFACE = [
  ...new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
];
const DATA = 0;
const HEADERS = 1;
const RESET = 3;
const PING = 6;
const GO_AWAY = 7;
const CONTINUATION = 9;

function frame(type: number, length: number, flags = 0): number[] {
  return [
    ...[length >> 16 & 255, length >> 8 & 255, length & 255, type, flags],
    ...[0, 0, 0, 1],
    ...Array<number>(length).fill(type + 100),
  ];
}

function filter(options: Partial<FrameFilterOptions> = {}): FrameFilter {
  return new FrameFilter({ peer: "server", now: () => 0, ...options });
}

function pushed(to: FrameFilter, bytes: readonly number[]): number[] {
  return to.push(new Uint8Array(bytes)).flatMap((part) => [...part]);
}

Deno.test("push() leaves out GOAWAY and nothing else, however it is cut", () => {
  const anyFrame = fc.record({
    type: fc.constantFrom(DATA, HEADERS, PING, GO_AWAY, CONTINUATION),
    length: fc.integer({ min: 0, max: 40 }),
  });
  const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 });
  fc.assert(fc.property(fc.array(anyFrame), cuts, (frames, lengths) => {
    const sent = frames.map(({ type, length }) => frame(type, length, 4));
    const kept = sent.filter((_, index) => frames[index]?.type !== GO_AWAY);
    let goAways = 0;
    const to = filter({ peer: "client", onGoAway: () => goAways++ });
    const bytes = [...PREFACE, ...sent.flat()];
    const passed: number[] = [];
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const length = lengths[turn % lengths.length] ?? 1;
      passed.push(...pushed(to, bytes.slice(at, at + length)));
      at += length;
    }
    assertEquals(passed, [...PREFACE, ...kept.flat()]);
    assertEquals(goAways, sent.length - kept.length);
  }));
});

Deno.test("push() passes on a chunk of whole frames as it is", () => {
  const chunk = new Uint8Array([...frame(DATA, 10), ...frame(DATA, 20)]);
  const [part, ...others] = filter().push(chunk);
  assertEquals(others, []);
  assertEquals(part?.buffer, chunk.buffer);
  assertEquals(part?.length, chunk.length);
});

Deno.test("push() refuses a client that does not speak HTTP/2", () => {
  const to = filter({ peer: "client" });
  const request = [...new TextEncoder().encode("GET / HTTP/1.1\r\n")];
  assertThrows(() => pushed(to, request), EngineError, "HTTP/2");
});

Deno.test("push() refuses a frame that is longer than allowed", () => {
  pushed(filter(), frame(DATA, 16_384));
  assertThrows(
    () => pushed(filter(), frame(DATA, 16_385)),
    EngineError,
    "16385",
  );
});

Deno.test("push() refuses endless headers, but not many", () => {
  const to = filter();
  const endless = [0, 0, 0, 0].map(() => frame(CONTINUATION, 16_000));
  const block = [frame(HEADERS, 1_000), ...endless.slice(0, 3)].flat();
  for (let calls = 0; calls < 5; calls++) {
    pushed(to, [...block, ...frame(CONTINUATION, 1_000, 4)]);
  }
  assertThrows(
    () => pushed(to, [...block, ...endless.flat()]),
    EngineError,
    "headers",
  );
});

Deno.test("push() refuses more resets in a second than any client needs", () => {
  let now = 0;
  const to = filter({ now: () => now });
  const resets = Array.from({ length: 20_000 }, () => frame(RESET, 4)).flat();
  pushed(to, resets);
  now = 1_000;
  pushed(to, resets);
  now = 1_999;
  assertThrows(() => pushed(to, frame(RESET, 4)), EngineError, "control");
});

Deno.test("push() leaves out the resets that are taken care of", () => {
  const seen: number[] = [];
  const to = filter({
    onReset(stream) {
      seen.push(stream);
      return seen.length === 1 ? "taken" : "pass";
    },
  });
  const [first, second] = [frame(RESET, 4), frame(RESET, 4)];
  first[5] = 0x80;
  first[8] = 7;
  assertEquals(pushed(to, [...first, ...second]), second);
  assertEquals(seen, [7, 1]);
});
