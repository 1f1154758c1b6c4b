import { assert, assertEquals, assertThrows } from "@std/assert";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { EngineError } from "../../base/errors.ts";
import { Any } from "../../../proto/gen/google/protobuf/any.ts";
import { MOST_MESSAGE_BYTES } from "./message_reader.ts";
import { MessageWriter } from "./message_writer.ts";

type Step = (writer: BinaryWriter) => BinaryWriter;

const bigint = (min: bigint, max: bigint) => fc.bigInt({ min, max });
const INT64 = bigint(-(2n ** 63n), 2n ** 63n - 1n);
const UINT64 = bigint(0n, 2n ** 64n - 1n);
const UINT32 = fc.nat({ max: 0xffff_ffff });
/** Of lengths around those at which something changes. */
const LENGTH = fc.oneof(
  fc.constantFrom(0, 63, 64, 65, 127, 128, 1023, 1024, 16_383, 16_384, 20_000),
  fc.nat({ max: 2000 }),
);

const VALUE: fc.Arbitrary<Step> = fc.oneof(
  UINT32.map((it): Step => (writer) => writer.uint32(it)),
  fc.integer().map((it): Step => (writer) => writer.int32(it)),
  fc.integer().map((it): Step => (writer) => writer.sint32(it)),
  UINT32.map((it): Step => (writer) => writer.fixed32(it)),
  fc.integer().map((it): Step => (writer) => writer.sfixed32(it)),
  INT64.map((it): Step => (writer) => writer.int64(it)),
  INT64.map((it): Step => (writer) => writer.int64(String(it))),
  fc.maxSafeInteger().map((it): Step => (writer) => writer.int64(it)),
  UINT64.map((it): Step => (writer) => writer.uint64(it)),
  INT64.map((it): Step => (writer) => writer.sint64(it)),
  UINT64.map((it): Step => (writer) => writer.fixed64(it)),
  INT64.map((it): Step => (writer) => writer.sfixed64(it)),
  fc.boolean().map((it): Step => (writer) => writer.bool(it)),
  fc.float().map((it): Step => (writer) => writer.float(it)),
  fc.double().map((it): Step => (writer) => writer.double(it)),
  fc.nat({ max: 1000 }).map((it): Step => (writer) => writer.tag(it + 1, 2)),
  fc.string({ unit: "binary" }).map((it): Step => (writer) =>
    writer.string(it)
  ),
  fc.tuple(fc.constantFrom("a", "ü", "\ud800"), LENGTH).map(
    ([unit, length]): Step => (writer) => writer.string(unit.repeat(length)),
  ),
  fc.tuple(fc.nat({ max: 255 }), LENGTH).map(([byte, length]): Step => {
    const bytes = new Uint8Array(length).fill(byte);
    return (writer) => writer.bytes(bytes);
  }),
);

/** Values, and what is nested, of some depth. */
const { steps: STEPS } = fc.letrec<{ step: Step; steps: Step }>((tie) => ({
  step: fc.oneof(
    { maxDepth: 4 },
    VALUE,
    tie("steps").map((nested): Step => (writer) =>
      nested(writer.uint32(10).fork()).join()
    ),
  ),
  steps: fc.array(tie("step"), { maxLength: 8 }).map(
    (steps): Step => (writer) =>
      steps.reduce((into, step) => step(into), writer),
  ),
}));

Deno.test("MessageWriter writes what the library's writer does", () => {
  const writer = new MessageWriter();
  fc.assert(fc.property(STEPS, (steps) => {
    const expected = steps(new BinaryWriter()).finish();
    assertEquals(steps(writer).finish(), expected);
  }));
});

Deno.test("MessageWriter refuses what the library's writer refuses", () => {
  const wrong: readonly Step[] = [
    (writer) => writer.uint32(-1),
    (writer) => writer.uint32(0.5),
    (writer) => writer.uint32(2 ** 32),
    (writer) => writer.uint32(NaN),
    (writer) => writer.int32(2 ** 31),
    (writer) => writer.int32(1.5),
    (writer) => writer.int64("x"),
    (writer) => writer.uint64(-1),
    (writer) => writer.uint64(2n ** 64n),
    (writer) => writer.join(),
  ];
  for (const step of wrong) {
    assertThrows(() => step(new BinaryWriter()), Error, undefined, `${step}`);
    assertThrows(() => step(new MessageWriter()), Error, undefined, `${step}`);
  }
});

Deno.test("message() puts a prefix in front of each, and take() gives long bytes themselves", () => {
  const writer = new MessageWriter();
  const long = new Uint8Array(1024).fill(7);
  for (const value of [long, new Uint8Array(3), long]) {
    writer.message(Any, { typeUrl: "t", value });
  }
  const pieces = writer.take();
  assertEquals(pieces.map((piece) => piece === long), [
    ...[false, true],
    ...[false, true],
    false,
  ]);
  const short = [0, 0, 0, 0, 8, 10, 1, 116, 18, 3, 0, 0, 0];
  const head = [0, 0, 0, 4, 6, 10, 1, 116, 18, 128, 8];
  assertEquals(pieces.map((it) => it === long ? it : [...it]), [
    ...[head, long],
    ...[[...short, ...head], long],
    [],
  ]);
  assertEquals(writer.take().flatMap((piece) => [...piece]), []);
});

Deno.test("message() throws resourceExhausted for what is too long", () => {
  const writer = new MessageWriter();
  const value = new Uint8Array(MOST_MESSAGE_BYTES);
  const error = assertThrows(
    () => writer.message(Any, { typeUrl: "", value }),
    EngineError,
  );
  assertEquals(error.code, "resourceExhausted");
  assert(error.message.includes(String(MOST_MESSAGE_BYTES)));
});
