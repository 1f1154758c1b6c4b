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

/** A tree: two entries for each node, the next node or a byte as `~byte`. */
const TREE = treeOf(LENGTHS);

/**
 * Level by level, which takes a sixth of the time that one code after another
 * does: of the places of a level, the first are those of the bytes whose codes
 * are that long, and the others lead to the next level.
 */
function treeOf(lengths: readonly number[]): Int16Array {
  const tree = new Int16Array(2 * lengths.length);
  const symbolsOf: number[][] = [];
  lengths.forEach((bits, symbol) => (symbolsOf[bits] ??= []).push(symbol));
  let nodes = 1;
  let level = [0, 1];
  for (let bits = 1; bits < symbolsOf.length; bits++) {
    const symbols = symbolsOf[bits] ?? [];
    const next: number[] = [];
    level.forEach((place, index) => {
      const symbol = symbols[index];
      tree[place] = symbol === undefined ? nodes++ : ~symbol;
      const node = tree[place];
      if (node > 0) next.push(2 * node, 2 * node + 1);
    });
    level = next;
  }
  return tree;
}

/**
 * @returns the bytes, one in each character
 * @throws {Breach} if it is not what an encoder writes
 */
export function huffmanDecoded(bytes: Uint8Array): string {
  let found = "";
  let node = 0;
  let bitsOfNode = 0;
  let isPadding = true;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const one = (byte >> bit) & 1;
      const next = TREE[2 * node + one] ?? 0;
      isPadding &&= one === 1;
      bitsOfNode++;
      if (next >= 0) {
        node = next;
        continue;
      }
      if (~next === END_OF_STRING) throw wrong("an end in its middle");
      found += String.fromCharCode(~next);
      node = 0;
      bitsOfNode = 0;
      isPadding = true;
    }
  }
  // The last byte is filled with the beginning of the end's code, all ones.
  if (bitsOfNode > 7 || !isPadding) throw wrong("a wrong end");
  return found;
}

function wrong(what: string): Breach {
  return new Breach(ERROR.compression, `A header's string has ${what}`);
}
