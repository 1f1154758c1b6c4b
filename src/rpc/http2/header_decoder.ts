/** From a block of headers to its fields (RFC 7541, section 6). */

import { Breach, ERROR } from "./breach.ts";
import {
  DynamicTable,
  fieldBytes,
  type HeaderField,
  TABLE_BYTES,
} from "./header_table.ts";
import { huffmanDecoded } from "./huffman.ts";

/** Of one block, names and values as they are (SETTINGS_MAX_HEADER_LIST_SIZE). */
export const MOST_LIST_BYTES = 64 * 1024;

/** One for each direction of a connection: a block builds on those before. */
export class HeaderDecoder {
  readonly #table = new DynamicTable(TABLE_BYTES);

  /** @throws {Breach} for what no encoder writes, and for too much */
  decode(block: Uint8Array): HeaderField[] {
    const fields: HeaderField[] = [];
    const reader = new BlockReader(block);
    let bytes = 0;
    while (!reader.isAtEnd) {
      const field = this.#field(reader, fields.length === 0);
      if (field === undefined) continue;
      bytes += fieldBytes(field);
      if (bytes > MOST_LIST_BYTES) {
        const message = `The peer sends more than ${MOST_LIST_BYTES} bytes ` +
          "of headers";
        throw new Breach(ERROR.enhanceYourCalm, message);
      }
      fields.push(field);
    }
    return fields;
  }

  #field(reader: BlockReader, isFirst: boolean): HeaderField | undefined {
    const byte = reader.peek();
    if (byte & 0x80) return this.#at(reader.integer(7));
    if (byte & 0x40) {
      const field = this.#literal(reader, 6);
      this.#table.add(field);
      return field;
    }
    if (byte & 0x20) {
      this.#resize(reader.integer(5), isFirst);
      return undefined;
    }
    // "Never indexed" (0x10) binds those who pass it on, which we don't.
    return this.#literal(reader, 4);
  }

  #literal(reader: BlockReader, prefixBits: number): HeaderField {
    const number = reader.integer(prefixBits);
    const name = number === 0 ? reader.string() : this.#at(number)[0];
    return [name, reader.string()];
  }

  #at(number: number): HeaderField {
    const field = this.#table.at(number);
    if (field !== undefined) return field;
    throw wrong(`field number ${number}, which there is not`);
  }

  #resize(bytes: number, isFirst: boolean): void {
    if (!isFirst) throw wrong("a table's size behind a field");
    if (bytes > TABLE_BYTES) throw wrong(`a table of ${bytes} bytes`);
    this.#table.resize(bytes);
  }
}

/** Integers of more bits than are needed for any length in a block. */
const MOST_INTEGER_BITS = 28;

class BlockReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  peek(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw wrong("an end too early");
    return byte;
  }

  /** Section 5.1; its first bits are those of a byte that has others, too. */
  integer(prefixBits: number): number {
    const most = (1 << prefixBits) - 1;
    let value = this.#next() & most;
    if (value < most) return value;
    for (let shift = 0;; shift += 7) {
      if (shift > MOST_INTEGER_BITS - 7) throw wrong("a number too long");
      const byte = this.#next();
      value += (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value;
    }
  }

  /** Section 5.2. One byte in each character. */
  string(): string {
    const isHuffman = (this.peek() & 0x80) !== 0;
    const length = this.integer(7);
    const end = this.#at + length;
    if (end > this.#bytes.length) throw wrong("an end too early");
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return isHuffman ? huffmanDecoded(bytes) : latin(bytes);
  }

  #next(): number {
    const byte = this.peek();
    this.#at++;
    return byte;
  }
}

function latin(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function wrong(what: string): Breach {
  return new Breach(ERROR.compression, `A block of headers has ${what}`);
}
