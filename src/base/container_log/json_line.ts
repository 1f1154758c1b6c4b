/**
 * Docker's `json-file`: one object a line,
 * `{"log":"text\n","stream":"stdout","time":"2026-01-31T12:00:00.5Z"}`.
 * Without `\n` in `log` the line was cut, or not ended.
 */

import type { EntryEnd, LogStream } from "./line_splitter.ts";
import { normalTimestamp, shortTimestamp } from "./timestamp.ts";

export interface DecodedEntry {
  readonly stream: LogStream;
  /** Nine digits behind the point, UTC. */
  readonly time: string;
  /** With the line feed. */
  readonly bytes: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const OPENING = encoder.encode(`{"log":"`);
const REPLACEMENT = encoder.encode("\\ufffd");
const SEPARATORS = [
  encoder.encode("\\u2028"),
  encoder.encode("\\u2029"),
] as const;
const HEX = encoder.encode("0123456789abcdef");
const BACKSLASH = 0x5c;
const LINE_FEED = 0x0a;
const LETTER_N = 0x6e;

/** `\u0000` of one byte is the longest. */
const MOST_PER_BYTE = 6;
const MOST_AROUND = 128;

/** What is done with a byte. */
const PLAIN = 0;
const SHORT = 1;
const HEXADECIMAL = 2;
const MULTIBYTE = 3;

/** As Go's JSON, which also escapes what would end a script in HTML. */
const TREATMENT = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x80) return MULTIBYTE;
  const character = String.fromCharCode(byte);
  if (`"\\\n\r`.includes(character)) return SHORT;
  return byte < 0x20 || "<>&".includes(character) ? HEXADECIMAL : PLAIN;
});

/** How much room an entry of `length` bytes may need. */
export function jsonLineRoom(length: number): number {
  return length * MOST_PER_BYTE + MOST_AROUND;
}

/**
 * What follows an entry's text, the same for all of a stream and time.
 * @param time as `formatTimestamp` gives it
 */
export function jsonLineEnd(stream: LogStream, time: string): Uint8Array {
  return encoder.encode(
    `","stream":"${stream}","time":"${shortTimestamp(time)}"}\n`,
  );
}

/**
 * Writes bytes `start` to `end` of `bytes` into `into` from `at` on, which has
 * `jsonLineRoom`. What is no UTF-8 becomes U+FFFD, byte by byte.
 * @param lineEnd see `jsonLineEnd`
 * @returns where it ends
 */
export function writeJsonLine(
  into: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  ending: EntryEnd,
  lineEnd: Uint8Array,
): number {
  let to = copy(OPENING, into, at);
  for (let from = start; from < end;) {
    const byte = bytes[from] ?? 0;
    const treatment = TREATMENT[byte];
    if (treatment === PLAIN) {
      into[to++] = byte;
      from++;
    } else if (treatment === MULTIBYTE) {
      const length = sequenceLength(bytes, from, end);
      to = writeSequence(into, to, bytes, from, length);
      from += length || 1;
    } else {
      to = writeEscape(into, to, byte, treatment === SHORT);
      from++;
    }
  }
  if (ending === "lineFeed") {
    into[to++] = BACKSLASH;
    into[to++] = LETTER_N;
  }
  return copy(lineEnd, into, to);
}

/** For some ten bytes a loop is much faster than `set`. */
function copy(from: Uint8Array, into: Uint8Array, at: number): number {
  for (let index = 0; index < from.length; index++) {
    into[at + index] = from[index] ?? 0;
  }
  return at + from.length;
}

function writeEscape(
  into: Uint8Array,
  at: number,
  byte: number,
  isShort: boolean,
): number {
  into[at] = BACKSLASH;
  if (isShort) {
    into[at + 1] = byte === LINE_FEED ? LETTER_N : byte === 0x0d ? 0x72 : byte;
    return at + 2;
  }
  into[at + 1] = 0x75;
  into[at + 2] = into[at + 3] = 0x30;
  into[at + 4] = HEX[byte >> 4] ?? 0;
  into[at + 5] = HEX[byte & 0xf] ?? 0;
  return at + 6;
}

/** @param length 0 for a byte that belongs to no sequence */
function writeSequence(
  into: Uint8Array,
  at: number,
  bytes: Uint8Array,
  from: number,
  length: number,
): number {
  if (length === 0) {
    return copy(REPLACEMENT, into, at);
  }
  // U+2028 and U+2029 end a line in JavaScript.
  const isSeparator = length === 3 && bytes[from] === 0xe2 &&
    bytes[from + 1] === 0x80 && ((bytes[from + 2] ?? 0) & 0xfe) === 0xa8;
  if (isSeparator) {
    return copy(SEPARATORS[bytes[from + 2] === 0xa8 ? 0 : 1], into, at);
  }
  for (let index = 0; index < length; index++) {
    into[at + index] = bytes[from + index] ?? 0;
  }
  return at + length;
}

/**
 * Length of the UTF-8 sequence at `from`; 0 if there is none that is valid.
 * @see Unicode, table 3-7
 */
function sequenceLength(bytes: Uint8Array, from: number, end: number): number {
  const first = bytes[from] ?? 0;
  const length = first < 0xc2
    ? 0
    : first < 0xe0
    ? 2
    : first < 0xf0
    ? 3
    : first < 0xf5
    ? 4
    : 0;
  if (length === 0 || from + length > end) return 0;
  const second = bytes[from + 1] ?? 0;
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let index = 2; index < length; index++) {
    if (((bytes[from + index] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

/**
 * Reads lines, one after the other: those of one time are much faster.
 * Undefined for a line that is none: torn, or somebody else's.
 */
export function jsonLineParser(): (
  line: Uint8Array,
) => DecodedEntry | undefined {
  let lastTime: string | undefined;
  let lastTimestamp: string | undefined;
  return (line) => {
    const value = parseJson(line);
    if (typeof value !== "object" || value === null) return undefined;
    const { log, stream, time } = value as Record<string, unknown>;
    if (typeof log !== "string" || typeof time !== "string") return undefined;
    if (time !== lastTime) lastTimestamp = normalTimestamp(time);
    lastTime = time;
    return lastTimestamp === undefined ? undefined : {
      stream: stream === "stderr" ? "stderr" : "stdout",
      time: lastTimestamp,
      bytes: encoder.encode(log),
    };
  };
}

function parseJson(line: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(line));
  } catch {
    return undefined;
  }
}
