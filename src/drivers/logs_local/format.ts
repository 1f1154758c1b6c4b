/** What reading needs to know of a format of log files. */

import {
  type DecodedEntry,
  jsonLineParser,
} from "../../base/container_log/json_line.ts";
import {
  LENGTH_BYTES,
  localMessageParser,
  MAX_MESSAGE_BYTES,
  readLength,
} from "../../base/container_log/local_frame.ts";
import type { FileFormat } from "../../base/container_log/settings.ts";
import { readAt } from "../../sys/read_at.ts";

export type Piece =
  | {
    readonly kind: "whole";
    /** Undefined if it can't be made sense of; the next one may. */
    readonly entry: DecodedEntry | undefined;
    /** Where the next one begins. */
    readonly next: number;
  }
  /** Not all of it is there yet. */
  | { readonly kind: "torn" }
  /** What follows can't be told apart. */
  | { readonly kind: "damaged" };

export interface ReadFormat {
  /** Reads the entry at `at` of `bytes`, of which `end` are there. */
  read(bytes: Uint8Array, at: number, end: number): Piece;
  /**
   * Where the last `count` entries begin, and how many there are.
   * @param size of the file
   */
  tail(file: Deno.FsFile, size: number, count: number): Tail;
}

export interface Tail {
  readonly offset: number;
  readonly found: number;
}

const LINE_FEED = 0x0a;
const BLOCK_BYTES = 64 * 1024;
const TORN: Piece = { kind: "torn" };
const DAMAGED: Piece = { kind: "damaged" };

/** For one reader. */
export function readFormat(format: FileFormat): ReadFormat {
  switch (format) {
    case "json-file": {
      const parse = jsonLineParser();
      return { read: (...args) => readLine(parse, ...args), tail: tailOfLines };
    }
    case "local": {
      const parse = localMessageParser();
      return {
        read: (...args) => readFrame(parse, ...args),
        tail: tailOfFrames,
      };
    }
  }
}

type Parse = (bytes: Uint8Array) => DecodedEntry | undefined;

function readLine(
  parse: Parse,
  bytes: Uint8Array,
  at: number,
  end: number,
): Piece {
  const found = bytes.indexOf(LINE_FEED, at);
  if (found < 0 || found >= end) return TORN;
  const entry = parse(bytes.subarray(at, found));
  return { kind: "whole", entry, next: found + 1 };
}

function readFrame(
  parse: Parse,
  bytes: Uint8Array,
  at: number,
  end: number,
): Piece {
  const message = at + LENGTH_BYTES;
  if (message > end) return TORN;
  const length = readLength(bytes, at);
  if (length > MAX_MESSAGE_BYTES) return DAMAGED;
  const next = message + length + LENGTH_BYTES;
  if (next > end) return TORN;
  if (readLength(bytes, message + length) !== length) return DAMAGED;
  const entry = parse(bytes.subarray(message, message + length));
  return { kind: "whole", entry, next };
}

function tailOfLines(file: Deno.FsFile, size: number, count: number): Tail {
  const block = new Uint8Array(BLOCK_BYTES);
  // The last line feed ends an entry; each one before it begins one, too.
  let ends = 0;
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const length = readAt(file, start, block.subarray(0, end - start));
    for (let from = length - 1; from >= 0; from--) {
      const found = block.lastIndexOf(LINE_FEED, from);
      if (found < 0) break;
      if (ends === count) return { offset: start + found + 1, found: count };
      ends++;
      from = found;
    }
    end = start;
  }
  return { offset: 0, found: ends };
}

function tailOfFrames(file: Deno.FsFile, size: number, count: number): Tail {
  const length = new Uint8Array(LENGTH_BYTES);
  const isTorn = size > 0 && previousFrame(file, size, length) === undefined;
  if (isTorn) return tailFromStart(file, size, count);
  let offset = size;
  let found = 0;
  while (found < count && offset > 0) {
    const previous = previousFrame(file, offset, length);
    if (previous === undefined) return tailFromStart(file, size, count);
    offset = previous;
    found++;
  }
  return { offset, found };
}

function previousFrame(
  file: Deno.FsFile,
  end: number,
  length: Uint8Array,
): number | undefined {
  const at = end - LENGTH_BYTES;
  if (at < 0 || readAt(file, at, length) < LENGTH_BYTES) return undefined;
  const bytes = readLength(length, 0);
  const start = at - bytes - LENGTH_BYTES;
  if (start < 0 || readAt(file, start, length) < LENGTH_BYTES) return undefined;
  return readLength(length, 0) === bytes ? start : undefined;
}

/** From the beginning it can be told what is whole. */
function tailFromStart(file: Deno.FsFile, size: number, count: number): Tail {
  const length = new Uint8Array(LENGTH_BYTES);
  const starts: number[] = [];
  let offset = 0;
  for (;;) {
    if (readAt(file, offset, length) < LENGTH_BYTES) break;
    const bytes = readLength(length, 0);
    const next = offset + bytes + 2 * LENGTH_BYTES;
    if (bytes > MAX_MESSAGE_BYTES || next > size) break;
    starts.push(offset);
    offset = next;
  }
  const found = Math.min(count, starts.length);
  return { offset: starts[starts.length - found] ?? offset, found };
}
