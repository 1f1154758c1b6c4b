/** How entries are written to files, and where a torn file is whole. */

import {
  jsonLineEnd,
  jsonLineRoom,
  writeJsonLine,
} from "../../base/container_log/json_line.ts";
import type {
  EntryEnd,
  LogStream,
} from "../../base/container_log/line_splitter.ts";
import {
  LENGTH_BYTES,
  localFrameRoom,
  localFrameStart,
  MAX_MESSAGE_BYTES,
  readLength,
  writeLocalFrame,
} from "../../base/container_log/local_frame.ts";
import type { FileFormat } from "../../base/container_log/settings.ts";
import { formatTimestamp } from "../../base/container_log/timestamp.ts";
import { readAt } from "../../sys/read_at.ts";

export interface WriteFormat {
  /** How much room an entry of `length` bytes may need. */
  room(length: number): number;
  /** What all entries of a stream and time have in common. */
  frame(stream: LogStream, ns: bigint): Uint8Array;
  /** @returns where it ends */
  write(
    into: Uint8Array,
    at: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    ending: EntryEnd,
    frame: Uint8Array,
  ): number;
  /** @returns so many bytes at the beginning of the file are whole entries */
  wholeBytes(file: Deno.FsFile, size: number): number;
}

export const WRITE_FORMATS: Readonly<Record<FileFormat, WriteFormat>> = {
  "json-file": {
    room: jsonLineRoom,
    frame: (stream, ns) => jsonLineEnd(stream, formatTimestamp(ns)),
    write: writeJsonLine,
    wholeBytes: wholeLines,
  },
  local: {
    room: localFrameRoom,
    frame: localFrameStart,
    write: writeLocalFrame,
    wholeBytes: wholeFrames,
  },
};

const BLOCK_BYTES = 64 * 1024;
const LINE_FEED = 0x0a;

function wholeLines(file: Deno.FsFile, size: number): number {
  const block = new Uint8Array(BLOCK_BYTES);
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const count = readAt(file, start, block.subarray(0, end - start));
    const found = block.subarray(0, count).lastIndexOf(LINE_FEED);
    if (found >= 0) return start + found + 1;
    end = start;
  }
  return 0;
}

function wholeFrames(file: Deno.FsFile, size: number): number {
  const length = new Uint8Array(LENGTH_BYTES);
  const lengthAt = (offset: number) =>
    offset >= 0 && readAt(file, offset, length) === LENGTH_BYTES
      ? readLength(length, 0)
      : undefined;
  const around = 2 * LENGTH_BYTES;
  const last = lengthAt(size - LENGTH_BYTES);
  if (last !== undefined && lengthAt(size - last - around) === last) {
    return size;
  }
  let whole = 0;
  for (;;) {
    const next = lengthAt(whole);
    if (next === undefined || next > MAX_MESSAGE_BYTES) return whole;
    if (lengthAt(whole + LENGTH_BYTES + next) !== next) return whole;
    whole += next + around;
  }
}
