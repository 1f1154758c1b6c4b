import { dataLoss } from "../../base/errors.ts";
import { readCount } from "./fields.ts";
import type { SparseSegment } from "./header.ts";

const NUMBER_BYTES = 12;

/** Reads `count` pairs of an old GNU header; an empty pair ends them. */
export function readGnuPairs(
  block: Uint8Array,
  offset: number,
  count: number,
  numbers: number[],
): void {
  for (let i = 0; i < count; i++) {
    const at = offset + i * 2 * NUMBER_BYTES;
    if (block[at + NUMBER_BYTES] === 0) return;
    numbers.push(
      readCount(block, at, NUMBER_BYTES),
      readCount(block, at + NUMBER_BYTES, NUMBER_BYTES),
    );
  }
}

/**
 * Makes segments of offsets and lengths by turns. A map whose parts overlap,
 * descend, reach past the end of the file or don't add up to the data is
 * refused, because each of these could make an unpacker write where it did
 * not mean to.
 *
 * @param size bytes of data in the archive
 * @param realSize bytes of the file
 * @throws {EngineError} `dataLoss`
 */
export function sparseSegments(
  numbers: readonly number[],
  size: number,
  realSize: number,
): SparseSegment[] {
  if (numbers.length % 2 !== 0) {
    throw dataLoss("a sparse map ends within a pair");
  }
  const segments: SparseSegment[] = [];
  let end = 0;
  let sum = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    const offset = numbers[i] as number;
    const length = numbers[i + 1] as number;
    if (offset < end || length > realSize - offset) {
      throw dataLoss(
        `a sparse map's part at "${offset}" of "${length}" bytes is misplaced`,
      );
    }
    end = offset + length;
    sum += length;
    if (length > 0) segments.push({ offset, length });
  }
  if (sum !== size) {
    throw dataLoss(`a sparse map has "${sum}" bytes, its data "${size}"`);
  }
  return segments;
}

/**
 * Collects the map that version 1.0 puts before the data: decimal numbers,
 * one a line, first how many pairs follow, filled up to whole blocks.
 */
export class SparseMapText {
  readonly #numbers: number[] = [];
  #digits = 0;
  #value = 0;

  /**
   * Takes one block.
   * @returns the offsets and lengths once they are complete
   * @throws {EngineError} `dataLoss`
   */
  push(block: Uint8Array): readonly number[] | undefined {
    for (const byte of block) {
      if (byte === 0x0a && this.#digits > 0) {
        this.#numbers.push(this.#value);
        this.#digits = this.#value = 0;
        if (this.#isComplete()) return this.#numbers.slice(1);
      } else if (byte >= 0x30 && byte <= 0x39 && this.#digits < 15) {
        this.#value = this.#value * 10 + byte - 0x30;
        this.#digits++;
      } else {
        throw dataLoss("a sparse map is malformed");
      }
    }
    return undefined;
  }

  #isComplete(): boolean {
    return this.#numbers.length === 1 + 2 * (this.#numbers[0] ?? 0);
  }
}
