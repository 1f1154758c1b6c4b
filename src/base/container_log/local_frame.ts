/**
 * Docker's `local`: frames of a length (32 bits, big-endian), a message of
 * protobuf, and the length again, so that they can be read from the end.
 *
 * ```proto
 * message LogEntry {
 *   string source = 1; int64 time_nano = 2; bytes line = 3; bool partial = 4;
 *   PartialLogEntryMetadata partial_log_metadata = 5;
 * }
 * message PartialLogEntryMetadata {
 *   bool last = 1; string id = 2; int32 ordinal = 3;
 * }
 * ```
 * `line` has no line feed; it had one unless it is a part, and not the last.
 */

import type { DecodedEntry } from "./json_line.ts";
import type { EntryEnd, LogStream } from "./line_splitter.ts";
import { formatTimestamp } from "./timestamp.ts";

/** Of the length before and after a message. */
export const LENGTH_BYTES = 4;

/** No entry of ours or docker's is longer: what says so is damaged. */
export const MAX_MESSAGE_BYTES: number = 1024 * 1024;

const MOST_AROUND = 128;
/** Times have 63 bits; a negative one has 64. */
const LAST_NS = 2n ** 63n - 1n;
const LINE_FEED = 0x0a;

/** Tags of protobuf: number and wire type of a field. */
const TAG = {
  source: 0x0a,
  time: 0x10,
  line: 0x1a,
  partial: 0x20,
  metadata: 0x2a,
  last: 0x08,
} as const;

/** The lowest bits of a tag. */
const WIRE_TYPE = 0x07;
const VARINT = 0;
const LENGTH = 2;

const ERROR_AT = 3;
const ERROR_LETTER = "e".charCodeAt(0);

const encoder = new TextEncoder();

/** How much room an entry of `length` bytes may need. */
export function localFrameRoom(length: number): number {
  return length + MOST_AROUND;
}

/** The fields that all entries of a stream and time begin with. */
export function localFrameStart(stream: LogStream, ns: bigint): Uint8Array {
  const source = encoder.encode(stream);
  const bytes = new Uint8Array(MOST_AROUND);
  bytes[0] = TAG.source;
  bytes[1] = source.length;
  bytes.set(source, 2);
  let at = 2 + source.length;
  bytes[at++] = TAG.time;
  let rest = BigInt.asUintN(64, ns);
  while (rest > 0x7fn) {
    bytes[at++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  bytes[at++] = Number(rest);
  return bytes.slice(0, at);
}

/**
 * Writes bytes `start` to `end` of `bytes` into `into` from `at` on, which has
 * `localFrameRoom`.
 * @param frameStart see `localFrameStart`
 * @returns where it ends
 */
export function writeLocalFrame(
  into: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  ending: EntryEnd,
  frameStart: Uint8Array,
): number {
  const message = at + LENGTH_BYTES;
  into.set(frameStart, message);
  let to = message + frameStart.length;
  into[to++] = TAG.line;
  to = writeVarint(into, to, end - start);
  for (let from = start; from < end; from++) into[to++] = bytes[from] ?? 0;
  if (ending !== "lineFeed") {
    into[to++] = TAG.partial;
    into[to++] = 1;
    // An empty message: not the last part.
    into[to++] = TAG.metadata;
    into[to++] = 0;
  }
  const length = to - message;
  writeLength(into, at, length);
  writeLength(into, to, length);
  return to + LENGTH_BYTES;
}

function writeVarint(into: Uint8Array, at: number, value: number): number {
  let to = at;
  let rest = value;
  while (rest > 0x7f) {
    into[to++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  into[to++] = rest;
  return to;
}

function writeLength(into: Uint8Array, at: number, length: number): void {
  into[at] = length >>> 24;
  into[at + 1] = length >>> 16;
  into[at + 2] = length >>> 8;
  into[at + 3] = length;
}

export function readLength(bytes: Uint8Array, at: number): number {
  return (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;
}

/**
 * Reads messages, without the lengths around them, one after the other: those
 * of one time are much faster. Undefined for what is none.
 */
export function localMessageParser(): (
  message: Uint8Array,
) => DecodedEntry | undefined {
  let last = { low: -1, high: -1 };
  let lastTimestamp = "";
  return (message) => {
    const fields = readFields(message);
    if (fields === undefined) return undefined;
    const { low, high } = fields.time;
    if (low !== last.low || high !== last.high) {
      const ns = (BigInt(high) << LOW_BITS) | BigInt(low);
      if (ns > LAST_NS) return undefined;
      last = fields.time;
      lastTimestamp = formatTimestamp(ns);
    }
    const { stream, line, isPart, isLast } = fields;
    return {
      stream,
      time: lastTimestamp,
      bytes: isPart && !isLast ? line.slice() : withLineFeed(line),
    };
  };
}

function withLineFeed(line: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(line.length + 1);
  bytes.set(line);
  bytes[line.length] = LINE_FEED;
  return bytes;
}

/** An integer of 64 bits, in two parts that numbers can hold. */
interface Varint {
  /** The lowest 28 bits. */
  readonly low: number;
  readonly high: number;
  /** Where the next field begins. */
  readonly end: number;
}

const LOW_BITS = 28n;
const LOW_BYTES = 4;
const MOST_BYTES = 10;

interface Fields {
  stream: LogStream;
  time: Varint;
  line: Uint8Array;
  isPart: boolean;
  isLast: boolean;
}

/** Undefined if it is no protobuf; unknown fields are passed over. */
function readFields(message: Uint8Array): Fields | undefined {
  const fields: Fields = {
    stream: "stdout",
    time: { low: 0, high: 0, end: 0 },
    line: message.subarray(0, 0),
    isPart: false,
    isLast: false,
  };
  for (let at = 0; at < message.length;) {
    const tag = message[at] ?? 0;
    const value = readVarint(message, at + 1);
    if (value === undefined) return undefined;
    at = value.end;
    switch (tag & WIRE_TYPE) {
      case VARINT:
        if (tag === TAG.time) fields.time = value;
        else if (tag === TAG.partial) fields.isPart = value.low !== 0;
        break;
      case LENGTH: {
        const end = at + value.low;
        if (end > message.length || value.high !== 0) return undefined;
        setBytes(fields, tag, message, at, end);
        at = end;
        break;
      }
      default:
        return undefined;
    }
  }
  return fields;
}

function setBytes(
  fields: Fields,
  tag: number,
  message: Uint8Array,
  start: number,
  end: number,
): void {
  switch (tag) {
    case TAG.source: {
      // "stderr", "stdout": the fourth letter tells.
      const isError = message[start + ERROR_AT] === ERROR_LETTER;
      fields.stream = isError ? "stderr" : "stdout";
      break;
    }
    case TAG.line:
      fields.line = message.subarray(start, end);
      break;
    case TAG.metadata:
      // `last`, if it is set, comes first.
      fields.isLast = end > start && message[start] === TAG.last &&
        message[start + 1] === 1;
  }
}

function readVarint(bytes: Uint8Array, from: number): Varint | undefined {
  let low = 0;
  let high = 0;
  for (let index = 0; index < MOST_BYTES; index++) {
    const byte = bytes[from + index];
    if (byte === undefined) return undefined;
    const bits = byte & 0x7f;
    if (index < LOW_BYTES) low += bits * 2 ** (7 * index);
    else high += bits * 2 ** (7 * (index - LOW_BYTES));
    if (byte < 0x80) return { low, high, end: from + index + 1 };
  }
  return undefined;
}
