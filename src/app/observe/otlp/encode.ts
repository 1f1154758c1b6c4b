/**
 * Spans as collectors read them, in JSON and in protobuf.
 * @see opentelemetry-proto, `collector/trace/v1`, `trace/v1`, `common/v1`
 */

import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { SpanValue } from "../../../base/trace.ts";
import { VERSION } from "../../self.ts";
import type { SpanRecord } from "./tracer.ts";

export interface Export {
  readonly resource: Readonly<Record<string, string>>;
  readonly spans: readonly SpanRecord[];
}

const SCOPE = { name: "coracle", version: VERSION };
const STATUS_ERROR = 2;
/** The context says whether it is of another process. */
const HAS_IS_REMOTE = 0x100;
const SAMPLED = 1;

type Attributes = Iterable<readonly [string, SpanValue]>;

export function encodeJson({ resource, spans }: Export): Uint8Array {
  const request = {
    resourceSpans: [{
      resource: { attributes: jsonAttributes(Object.entries(resource)) },
      scopeSpans: [{ scope: SCOPE, spans: spans.map(jsonSpan) }],
    }],
  };
  return new TextEncoder().encode(JSON.stringify(request));
}

function jsonSpan(span: SpanRecord): unknown {
  const { context, parentSpanId, name, kind, failure } = span;
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    ...parentSpanId === undefined ? {} : { parentSpanId },
    flags: SAMPLED | HAS_IS_REMOTE,
    name,
    kind,
    startTimeUnixNano: String(span.startNs),
    endTimeUnixNano: String(span.endNs),
    attributes: jsonAttributes(allAttributes(span)),
    status: failure === undefined
      ? {}
      : { code: STATUS_ERROR, message: failure.message },
  };
}

/** What failed is also said as an attribute, by which one can search. */
function* allAttributes({ attributes, failure }: SpanRecord): Attributes {
  yield* attributes;
  if (failure !== undefined) yield ["error.type", failure.type];
}

function jsonAttributes(attributes: Attributes): unknown[] {
  return [...attributes].map(([key, value]) => ({
    key,
    value: jsonValue(value),
  }));
}

function jsonValue(value: SpanValue): unknown {
  switch (typeof value) {
    case "string":
      return { stringValue: value };
    case "boolean":
      return { boolValue: value };
    case "number":
      return Number.isSafeInteger(value)
        ? { intValue: String(value) }
        : { doubleValue: value };
    default:
      return { arrayValue: { values: value.map(jsonValue) } };
  }
}

export function encodeProtobuf({ resource, spans }: Export): Uint8Array {
  return message((request) => {
    field(request, 1, (resourceSpans) => {
      field(resourceSpans, 1, (it) => {
        writeAttributes(it, 1, Object.entries(resource));
      });
      field(resourceSpans, 2, (scopeSpans) => {
        field(scopeSpans, 1, (scope) => {
          text(text(scope, 1, SCOPE.name), 2, SCOPE.version);
        });
        for (const span of spans) {
          field(scopeSpans, 2, (it) => writeSpan(it, span));
        }
      });
    });
  }).finish();
}

const TAG = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

function writeSpan(to: BinaryWriter, span: SpanRecord): void {
  const { context, parentSpanId, failure } = span;
  to.tag(1, TAG.bytes).bytes(Uint8Array.fromHex(context.traceId));
  to.tag(2, TAG.bytes).bytes(Uint8Array.fromHex(context.spanId));
  if (parentSpanId !== undefined) {
    to.tag(4, TAG.bytes).bytes(Uint8Array.fromHex(parentSpanId));
  }
  text(to, 5, span.name);
  to.tag(6, TAG.varint).int32(span.kind);
  to.tag(7, TAG.fixed64).fixed64(span.startNs);
  to.tag(8, TAG.fixed64).fixed64(span.endNs);
  writeAttributes(to, 9, allAttributes(span));
  if (failure !== undefined) {
    field(to, 15, (status) => {
      text(status, 2, failure.message).tag(3, TAG.varint).int32(STATUS_ERROR);
    });
  }
  to.tag(16, TAG.fixed32).fixed32(SAMPLED | HAS_IS_REMOTE);
}

function writeAttributes(
  to: BinaryWriter,
  number: number,
  attributes: Attributes,
): void {
  for (const [key, value] of attributes) {
    field(to, number, (pair) => {
      text(pair, 1, key);
      field(pair, 2, (it) => writeValue(it, value));
    });
  }
}

function writeValue(to: BinaryWriter, value: SpanValue): void {
  switch (typeof value) {
    case "string":
      text(to, 1, value);
      break;
    case "boolean":
      to.tag(2, TAG.varint).bool(value);
      break;
    case "number":
      if (Number.isSafeInteger(value)) to.tag(3, TAG.varint).int64(value);
      else to.tag(4, TAG.fixed64).double(value);
      break;
    default:
      field(to, 5, (array) => {
        for (const it of value) field(array, 1, (item) => text(item, 1, it));
      });
  }
}

function message(write: (to: BinaryWriter) => void): BinaryWriter {
  const writer = new BinaryWriter();
  write(writer);
  return writer;
}

function field(
  to: BinaryWriter,
  number: number,
  write: (to: BinaryWriter) => void,
): BinaryWriter {
  return to.tag(number, TAG.bytes).bytes(message(write).finish());
}

function text(to: BinaryWriter, number: number, value: string): BinaryWriter {
  return to.tag(number, TAG.bytes).string(value);
}
