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

const encoder = new TextEncoder();
const decoder = new TextDecoder();

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
 * Reads a message, without the lengths around it.
 * @returns undefined if it is none
 */
export function parseLocalMessage(
  message: Uint8Array,
): DecodedEntry | undefined {
  const fields = readFields(message);
  const line = fields?.get(TAG.line) ?? new Uint8Array(0);
  const source = fields?.get(TAG.source);
  const time = fields?.get(TAG.time) ?? 0n;
  const isPart = (fields?.get(TAG.partial) ?? 0n) !== 0n;
  const metadata = fields?.get(TAG.metadata);
  if (!(line instanceof Uint8Array) || !(source instanceof Uint8Array)) {
    return undefined;
  }
  if (typeof time !== "bigint" || time > LAST_NS) return undefined;
  const isLast = metadata instanceof Uint8Array &&
    (readFields(metadata)?.get(TAG.last) ?? 0n) !== 0n;
  const bytes = isPart && !isLast ? line.slice() : withLineFeed(line);
  return {
    stream: decoder.decode(source) === "stderr" ? "stderr" : "stdout",
    time: formatTimestamp(time),
    bytes,
  };
}

function withLineFeed(line: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(line.length + 1);
  bytes.set(line);
  bytes[line.length] = LINE_FEED;
  return bytes;
}

/** By tag; the last of several counts. Undefined if it is no protobuf. */
function readFields(
  message: Uint8Array,
): Map<number, bigint | Uint8Array> | undefined {
  const fields = new Map<number, bigint | Uint8Array>();
  let at = 0;
  while (at < message.length) {
    const tag = readVarint(message, at);
    if (tag === undefined) return undefined;
    const value = readVarint(message, tag.end);
    if (value === undefined) return undefined;
    at = value.end;
    switch (Number(tag.value & 0x7n)) {
      case 0:
        fields.set(Number(tag.value), value.value);
        break;
      case 2: {
        const end = at + Number(value.value);
        if (end > message.length) return undefined;
        fields.set(Number(tag.value), message.subarray(at, end));
        at = end;
        break;
      }
      default:
        return undefined;
    }
  }
  return fields;
}

function readVarint(
  bytes: Uint8Array,
  from: number,
): { readonly value: bigint; readonly end: number } | undefined {
  let value = 0n;
  for (let index = 0; index < 10; index++) {
    const byte = bytes[from + index];
    if (byte === undefined) return undefined;
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) return { value, end: from + index + 1 };
  }
  return undefined;
}
