/** Strings of headers in Huffman's code (RFC 7541, section 5.2). */

import { Breach, ERROR } from "./breach.ts";

/**
 * Bits of the code of each byte, and of the end of the string behind them
 * (appendix B). The code is canonical: codes of the same length are numbers that
 * follow each other in the order of their bytes, so lengths say it all.
 */
// deno-fmt-ignore
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];

const END_OF_STRING = 256;

/** Of codes by their lengths in bits. */
interface Codes {
  /** How many there are. */
  readonly counts: Int32Array;
  /** The first one, as a number. */
  readonly firsts: Int32Array;
  /** Where its byte is among the symbols. */
  readonly starts: Int32Array;
  /** Bytes, and the end of the string, in the order of their codes. */
  readonly symbols: Int32Array;
}

const MOST_BITS = 30;

const { counts, firsts, starts, symbols } = codesOf(LENGTHS);

function codesOf(lengths: readonly number[]): Codes {
  const counts = new Int32Array(MOST_BITS + 1);
  for (const bits of lengths) counts[bits] = (counts[bits] ?? 0) + 1;
  const firsts = new Int32Array(MOST_BITS + 1);
  const starts = new Int32Array(MOST_BITS + 1);
  let code = 0;
  let start = 0;
  for (let bits = 1; bits <= MOST_BITS; bits++) {
    code <<= 1;
    firsts[bits] = code;
    starts[bits] = start;
    code += counts[bits] ?? 0;
    start += counts[bits] ?? 0;
  }
  const symbols = new Int32Array(lengths.length);
  const next = starts.slice();
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const bits = lengths[symbol] ?? 0;
    const at = next[bits] ?? 0;
    symbols[at] = symbol;
    next[bits] = at + 1;
  }
  return { counts, firsts, starts, symbols };
}

/**
 * @returns the bytes, one in each character
 * @throws {Breach} if it is not what an encoder writes
 */
export function huffmanDecoded(bytes: Uint8Array): string {
  let found = "";
  let code = 0;
  let bits = 0;
  let isPadding = true;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const one = (byte >> bit) & 1;
      code = code << 1 | one;
      isPadding &&= one === 1;
      bits++;
      // None is the beginning of another, so there is one of this length or none.
      const offset = code - (firsts[bits] ?? 0);
      if (offset >= (counts[bits] ?? 0)) continue;
      const symbol = symbols[(starts[bits] ?? 0) + offset] ?? END_OF_STRING;
      if (symbol === END_OF_STRING) throw wrong("an end in its middle");
      found += String.fromCharCode(symbol);
      code = 0;
      bits = 0;
      isPadding = true;
    }
  }
  // The last byte is filled with the beginning of the end's code, all ones.
  if (bits > 7 || !isPadding) throw wrong("a wrong end");
  return found;
}

function wrong(what: string): Breach {
  return new Breach(ERROR.compression, `A header's string has ${what}`);
}
