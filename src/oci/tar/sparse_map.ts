import { dataLoss } from "../../base/errors.ts";
import { readCount } from "./fields.ts";
import { BLOCK_SIZE, MAX_EXTENSION_BYTES, type TarHeader } from "./header.ts";
import type { DraftHeader } from "./parse_header.ts";
import type { PaxSparse } from "./pax.ts";
import { readGnuPairs, SparseMapText, sparseSegments } from "./sparse.ts";

const GNU_HEADER = { at: 386, count: 4, isExtended: 482, realSize: 483 };
const GNU_BLOCK = { count: 21, isExtended: 504 };

/** Takes the blocks of a sparse map that stand between header and data. */
export interface SparseMapReader {
  /**
   * @returns the header once its map is complete
   * @throws {EngineError} `dataLoss`
   */
  push(block: Uint8Array): TarHeader | undefined;
}

/**
 * Of an old GNU header, which holds the first parts itself.
 * @returns undefined if it holds all of them; then `header` is complete
 * @throws {EngineError} `dataLoss`
 */
export function startGnuMap(
  block: Uint8Array,
  header: DraftHeader,
): SparseMapReader | undefined {
  const numbers: number[] = [];
  header.realSize = readCount(block, GNU_HEADER.realSize, 12);
  readGnuPairs(block, GNU_HEADER.at, GNU_HEADER.count, numbers);
  if (block[GNU_HEADER.isExtended] === 0) {
    complete(header, numbers);
    return undefined;
  }
  return counted((block) => {
    readGnuPairs(block, 0, GNU_BLOCK.count, numbers);
    return block[GNU_BLOCK.isExtended] === 0
      ? complete(header, numbers)
      : undefined;
  });
}

/**
 * Of pax records: versions 0.0 and 0.1 hold the map, 1.0 has it in front of the
 * data.
 * @returns undefined if `header` is complete
 * @throws {EngineError} `dataLoss`
 */
export function startPaxMap(
  { name, realSize, major = 0, minor = 0, numbers = [] }: PaxSparse,
  header: DraftHeader,
): SparseMapReader | undefined {
  if (realSize === undefined) throw dataLoss("a sparse file has no size");
  if (name !== undefined) header.name = name;
  header.realSize = realSize;
  if (major === 0) {
    complete(header, numbers);
    return undefined;
  }
  if (major !== 1 || minor !== 0) {
    throw dataLoss(`sparse format "${major}.${minor}" is unknown`);
  }
  const text = new SparseMapText();
  return counted((block) => {
    header.size -= BLOCK_SIZE;
    if (header.size < 0) {
      throw dataLoss("a sparse map is longer than its entry");
    }
    const numbers = text.push(block);
    return numbers === undefined ? undefined : complete(header, numbers);
  });
}

/** With a limit to what a map may take. */
function counted(push: SparseMapReader["push"]): SparseMapReader {
  let left = MAX_EXTENSION_BYTES / BLOCK_SIZE;
  return {
    push(block): TarHeader | undefined {
      if (left-- > 0) return push(block);
      throw dataLoss(
        `a sparse map is larger than "${MAX_EXTENSION_BYTES}" bytes`,
      );
    },
  };
}

function complete(
  header: DraftHeader,
  numbers: readonly number[],
): TarHeader {
  header.sparse = sparseSegments(numbers, header.size, header.realSize);
  return header;
}
