import { dataLoss } from "../../base/errors.ts";
import { decodePath } from "../../base/path_bytes.ts";
import { BLOCK_SIZE } from "./header.ts";

const SPACE = 0x20;
const ZERO = 0x30;

/**
 * Reads a number: octal digits, or base-256 if the top bit of the field is set
 * (GNU, star). A field of blanks and NULs is 0.
 * @throws {EngineError} `dataLoss` if it is neither, or no safe integer
 */
export function readNumber(
  block: Uint8Array,
  offset: number,
  length: number,
): number {
  if ((block[offset] as number) >= 0x80) return base256(block, offset, length);
  const end = offset + length;
  let at = offset;
  while (at < end && (block[at] === SPACE || block[at] === 0)) at++;
  let value = 0;
  for (; at < end; at++) {
    const digit = (block[at] as number) - ZERO;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  for (; at < end; at++) {
    if (block[at] !== SPACE && block[at] !== 0) {
      throw malformedNumber(block, offset, length);
    }
  }
  return value;
}

/** As `readNumber`, for what can't be negative. */
export function readCount(
  block: Uint8Array,
  offset: number,
  length: number,
): number {
  const value = readNumber(block, offset, length);
  if (value < 0) throw dataLoss(`number "${value}" is negative`);
  return value;
}

function base256(block: Uint8Array, offset: number, length: number): number {
  const first = block[offset] as number;
  const isNegative = (first & 0x40) !== 0;
  // Two's complement: a negative number is the inverse of what it inverts to.
  const invert = isNegative ? 0xff : 0;
  let value = (first ^ invert) & 0x3f;
  for (let at = offset + 1; at < offset + length; at++) {
    value = value * 256 + ((block[at] as number) ^ invert);
    if (value > Number.MAX_SAFE_INTEGER) {
      throw malformedNumber(block, offset, length);
    }
  }
  return isNegative ? -1 - value : value;
}

function malformedNumber(
  block: Uint8Array,
  offset: number,
  length: number,
): Error {
  const field = block.subarray(offset, offset + length);
  const hex = Array.from(field, (byte) => byte.toString(16).padStart(2, "0"));
  return dataLoss(`number in bytes "${hex.join(" ")}" is malformed`);
}

/** Reads a string that ends at a NUL or with its field. */
export function readString(
  block: Uint8Array,
  offset: number,
  length: number,
): string {
  if (block[offset] === 0) return "";
  let end = block.indexOf(0, offset);
  if (end < 0 || end > offset + length) end = offset + length;
  return decodePath(block, offset, end);
}

/** True if the 512 bytes from `offset` are zeros. */
export function isZeroBlock(buffer: Uint8Array, offset: number): boolean {
  for (let at = offset; at < offset + BLOCK_SIZE; at++) {
    if (buffer[at] !== 0) return false;
  }
  return true;
}

const CHECKSUM = { offset: 148, length: 8 } as const;

/**
 * Verifies the sum over a header's bytes, taken as unsigned, or as signed as
 * some old programs do. The field itself counts as blanks.
 */
export function isChecksumRight(block: Uint8Array): boolean {
  let sum = 0;
  for (let at = 0; at < BLOCK_SIZE; at++) sum += block[at] as number;
  for (let at = CHECKSUM.offset; at < CHECKSUM.offset + 8; at++) {
    sum += SPACE - (block[at] as number);
  }
  const stored = readNumber(block, CHECKSUM.offset, CHECKSUM.length);
  return stored === sum || stored === sum - 256 * countHighBytes(block);
}

function countHighBytes(block: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < BLOCK_SIZE; at++) {
    const isField = at >= CHECKSUM.offset && at < CHECKSUM.offset + 8;
    if (!isField && (block[at] as number) >= 0x80) count++;
  }
  return count;
}
