/**
 * Events between the journal and the wire, where each is an Any of
 * containerd's. The journal has their fields, as JSON. Where those do not say
 * all (a type that we don't know, a time in nanoseconds), it has the bytes of
 * the Any as well, in `@type` and `@value` (base64), and they are what is sent.
 */

import type { ContainerCreate_Runtime } from "../../../proto/gen/containerd/events/container.ts";
import type { Envelope } from "../../../proto/gen/containerd/types/event.ts";
import type { TypedValue } from "../../core/container.ts";
import type { EngineEvent } from "../../core/event.ts";
import { codecOf, type EventCodec, typeOfTopic } from "./event_types.ts";

type Fields = EngineEvent["event"];

/** Of what we publish on topics that containerd has no message for. */
const JSON_TYPE = "coracle.events.Json";

export function toEnvelope(
  { timestamp, namespace, topic, event }: EngineEvent,
): Envelope {
  return { timestamp, namespace, topic, event: toEvent(topic, event) };
}

/** @param sequence which the wire does not tell */
export function fromEnvelope(
  { timestamp, namespace, topic, event }: Envelope,
  sequence: number,
): EngineEvent {
  const any = event ?? { typeUrl: "", value: new Uint8Array() };
  return {
    ...{ sequence, namespace, topic, timestamp: timestamp ?? new Date(0) },
    event: any.typeUrl === JSON_TYPE
      ? JSON.parse(new TextDecoder().decode(any.value))
      : fromEvent(topic, any),
  };
}

/** The Any of what the journal has. */
export function toEvent(topic: string, fields: Fields): TypedValue {
  const kept = keptBytes(fields);
  if (kept !== undefined) return kept;
  const typeUrl = typeOfTopic(topic);
  const codec = typeUrl === undefined ? undefined : codecOf(typeUrl);
  if (typeUrl !== undefined && codec !== undefined) {
    return { typeUrl, value: encode(codec, fields) };
  }
  // Nobody but us can have published it: all that is known is its fields.
  const json = new TextEncoder().encode(JSON.stringify(fields));
  return { typeUrl: JSON_TYPE, value: json };
}

/** What the journal keeps of an Any. */
export function fromEvent(topic: string, any: TypedValue): Fields {
  const kept = { "@type": any.typeUrl, "@value": any.value.toBase64() };
  const codec = codecOf(any.typeUrl);
  if (codec === undefined) return kept;
  let fields: Fields;
  try {
    fields = plain(codec.decode(any.value));
  } catch {
    return kept;
  }
  const isAll = typeOfTopic(topic) === any.typeUrl &&
    isEqual(encode(codec, fields), any.value);
  return isAll ? fields : { ...fields, ...kept };
}

function keptBytes(fields: Fields): TypedValue | undefined {
  const { "@type": typeUrl, "@value": value } = fields;
  if (typeof typeUrl !== "string" || typeof value !== "string") {
    return undefined;
  }
  return { typeUrl, value: Uint8Array.fromBase64(value) };
}

function encode(codec: EventCodec, fields: Fields): Uint8Array {
  const { exitedAt, size, runtime } = fields;
  return codec.encode(codec.fromPartial({
    ...fields,
    ...typeof exitedAt !== "string"
      ? {}
      : { exitedAt: exitedAt === "" ? undefined : new Date(exitedAt) },
    ...size === undefined ? {} : { size: BigInt(size as number) },
    ...runtime === undefined ? {} : { runtime: runtimeOf(runtime) },
  })).finish();
}

/** Its name alone, or with options whose bytes are base64. */
function runtimeOf(kept: unknown): object {
  if (typeof kept === "string") return { name: kept };
  const { name, options } = kept as {
    readonly name: string;
    readonly options?: { readonly typeUrl: string; readonly value: string };
  };
  if (options === undefined) return { name };
  const value = Uint8Array.fromBase64(options.value);
  return { name, options: { typeUrl: options.typeUrl, value } };
}

function keptRuntime({ name, options }: ContainerCreate_Runtime): unknown {
  if (options === undefined) return name;
  const { typeUrl, value } = options;
  return { name, options: { typeUrl, value: value.toBase64() } };
}

/** As JSON has it, and without what is empty. */
function plain(message: object): Fields {
  return Object.fromEntries(
    Object.entries(message).flatMap(([key, value]) => {
      if (value === undefined || value === "" || value === 0) return [];
      if (typeof value === "bigint") return [[key, Number(value)]];
      if (value instanceof Date) return [[key, value.toISOString()]];
      if (key === "runtime") return [[key, keptRuntime(value)]];
      return [[key, value]];
    }),
  );
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
