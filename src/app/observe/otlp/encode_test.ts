import { assertEquals } from "@std/assert";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { encodeJson, encodeProtobuf } from "./encode.ts";
import { type SpanRecord, Tracer } from "./tracer.ts";
import type { SpanContext } from "../../../base/trace.ts";
import { notFound } from "../../../base/errors.ts";

const CONTEXT: SpanContext = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  isSampled: true,
};

const SPANS: readonly SpanRecord[] = [
  {
    context: CONTEXT,
    parentSpanId: "00f067aa0ba902b7",
    name: "a.B/Get",
    kind: 2,
    startNs: 1_795_260_718_654_715_000n,
    endNs: 1_795_260_718_654_808_000n,
    attributes: new Map<string, string | number | boolean | string[]>([
      ["text", "grün"],
      ["whole", -3],
      ["broken", 0.5],
      ["truth", true],
      ["list", ["a", "b"]],
    ]),
    failure: { type: "internal", message: "no" },
  },
  {
    ...{ context: CONTEXT, name: "child", kind: 1, startNs: 1n, endNs: 2n },
    attributes: new Map(),
  },
];
const EXPORT = { resource: { "service.name": "coracle" }, spans: SPANS };

/** Messages of OTLP as far as we send them: number → name and kind. */
type Shape = { readonly [number: number]: readonly [string, Kind] };
type Kind =
  | "text"
  | "hex"
  | "int"
  | "int64"
  | "fixed64"
  | "fixed32"
  | "double"
  | "bool"
  | Shape
  | readonly [Shape];

const VALUE: Shape = {
  1: ["stringValue", "text"],
  2: ["boolValue", "bool"],
  3: ["intValue", "int64"],
  4: ["doubleValue", "double"],
  5: ["arrayValue", { 1: ["values", [{ 1: ["stringValue", "text"] }]] }],
};
const ATTRIBUTES: readonly [string, Kind] = [
  "attributes",
  [{ 1: ["key", "text"], 2: ["value", VALUE] }],
];
const SPAN: Shape = {
  1: ["traceId", "hex"],
  2: ["spanId", "hex"],
  4: ["parentSpanId", "hex"],
  5: ["name", "text"],
  6: ["kind", "int"],
  7: ["startTimeUnixNano", "fixed64"],
  8: ["endTimeUnixNano", "fixed64"],
  9: ATTRIBUTES,
  15: ["status", { 2: ["message", "text"], 3: ["code", "int"] }],
  16: ["flags", "fixed32"],
};
const SCOPE: Shape = { 1: ["name", "text"], 2: ["version", "text"] };
const REQUEST: Shape = {
  1: ["resourceSpans", [{
    1: ["resource", { 1: ATTRIBUTES }],
    2: ["scopeSpans", [{ 1: ["scope", SCOPE], 2: ["spans", [SPAN]] }]],
  }]],
};

function read(bytes: Uint8Array, shape: Shape): Record<string, unknown> {
  const reader = new BinaryReader(bytes);
  const found: Record<string, unknown> = {};
  while (reader.pos < reader.len) {
    const [number] = reader.tag();
    const [name, kind] = shape[number] ?? [];
    if (name === undefined || kind === undefined) {
      throw new Error(`field ${number} is none`);
    }
    if (Array.isArray(kind)) {
      const list = (found[name] ?? []) as unknown[];
      found[name] = [...list, read(reader.bytes(), kind[0])];
    } else {found[name] = readOne(
        reader,
        kind as Exclude<Kind, readonly [Shape]>,
      );}
  }
  return found;
}

function readOne(
  reader: BinaryReader,
  kind: Exclude<Kind, readonly [Shape]>,
): unknown {
  switch (kind) {
    case "text":
      return reader.string();
    case "hex":
      return reader.bytes().toHex();
    case "int":
      return reader.int32();
    case "int64":
      return String(reader.int64());
    case "fixed64":
      return String(reader.fixed64());
    case "fixed32":
      return reader.fixed32();
    case "double":
      return reader.double();
    case "bool":
      return reader.bool();
    default:
      return read(reader.bytes(), kind);
  }
}

Deno.test("encodeJson() writes what collectors read", () => {
  const json = JSON.parse(new TextDecoder().decode(encodeJson(EXPORT)));
  const [{ resource, scopeSpans: [{ spans: [first, second] }] }] =
    json.resourceSpans;
  assertEquals(resource.attributes, [
    { key: "service.name", value: { stringValue: "coracle" } },
  ]);
  assertEquals(first, {
    traceId: CONTEXT.traceId,
    spanId: CONTEXT.spanId,
    parentSpanId: "00f067aa0ba902b7",
    flags: 257,
    name: "a.B/Get",
    kind: 2,
    startTimeUnixNano: "1795260718654715000",
    endTimeUnixNano: "1795260718654808000",
    attributes: [
      { key: "text", value: { stringValue: "grün" } },
      { key: "whole", value: { intValue: "-3" } },
      { key: "broken", value: { doubleValue: 0.5 } },
      { key: "truth", value: { boolValue: true } },
      {
        key: "list",
        value: {
          arrayValue: { values: [{ stringValue: "a" }, { stringValue: "b" }] },
        },
      },
      { key: "error.type", value: { stringValue: "internal" } },
    ],
    status: { code: 2, message: "no" },
  });
  assertEquals([second.parentSpanId, second.status], [undefined, {}]);
});

Deno.test("encodeProtobuf() says what encodeJson() says", () => {
  const json = JSON.parse(new TextDecoder().decode(encodeJson(EXPORT)));
  const [{ scopeSpans: [{ spans }] }] = json.resourceSpans;
  // What is empty is left out there.
  for (const span of spans) {
    if (span.attributes.length === 0) delete span.attributes;
    if (span.status.code === undefined) delete span.status;
  }
  assertEquals(read(encodeProtobuf(EXPORT), REQUEST), json);
});

Deno.test("Tracer gives spans to its owner when they end, once, with what failed", () => {
  const ended: SpanRecord[] = [];
  let now = 100n;
  const tracer = new Tracer({
    sampler: (_, parent) => parent?.isSampled ?? true,
    nowNs: () => now++,
    onEnd: (span) => ended.push(span),
  });
  const call = tracer.server("call", { parent: CONTEXT, attributes: { a: 1 } });
  const pull = call.child("pull", { b: "2" });
  pull.end(notFound("image", "http://me:secret@x/"));
  call.set({ a: 3 });
  call.end();
  call.end(new Error("late"));
  assertEquals(
    ended.map((it) => ({
      ...it,
      context: it.context.traceId,
      attributes: [...it.attributes],
    })),
    [
      {
        ...{ name: "pull", kind: 1, context: CONTEXT.traceId },
        parentSpanId: call.context.spanId,
        ...{ startNs: 101n, endNs: 102n, attributes: [["b", "2"]] },
        failure: {
          type: "notFound",
          message: 'Cannot find image "http://***@x/"',
        },
      },
      {
        ...{ name: "call", kind: 2, context: CONTEXT.traceId },
        parentSpanId: CONTEXT.spanId,
        ...{ startNs: 100n, endNs: 103n, attributes: [["a", 3]] },
      },
    ],
  );
  const parent = { ...CONTEXT, isSampled: false };
  const unseen = tracer.server("call", { parent, attributes: {} });
  const below = unseen.child("pull");
  assertEquals(below.context.isSampled, false);
  below.end();
  unseen.end();
  assertEquals(ended.length, 2);
});
