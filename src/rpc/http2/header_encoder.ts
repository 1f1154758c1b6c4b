/**
 * From fields to a block of headers (RFC 7541, section 6.2.2). Nothing is kept
 * from one block to the next and nothing is compressed: over a socket of the
 * same host bytes cost less than the work, and a block can be made beforehand.
 */

import { type HeaderField, STATIC_FIELDS } from "./header_table.ts";

const NUMBER_OF_NAME = new Map<string, number>();
const NUMBER_OF_FIELD = new Map<string, number>();
for (const [index, [name, value]] of STATIC_FIELDS.entries()) {
  if (!NUMBER_OF_NAME.has(name)) NUMBER_OF_NAME.set(name, index + 1);
  NUMBER_OF_FIELD.set(`${name} ${value}`, index + 1);
}

/** In front of a block: we keep nothing (section 6.3). */
export const NO_TABLE: Uint8Array = new Uint8Array([0x20]);

/** What may be in a name (RFC 9110, section 5.6.2), and none in upper case. */
const NAME = /^:?[a-z0-9!#$%&'*+.^_`|~-]+$/;
/** What gRPC lets be in a value ("ASCII-Value"). */
const VALUE = /^[ -~]*$/;

/** @throws {TypeError} for what can't be in a header */
export function encodeHeaders(fields: Iterable<HeaderField>): Uint8Array {
  const bytes: number[] = [];
  for (const [name, value] of fields) {
    if (!NAME.test(name) || !VALUE.test(value)) {
      const field = JSON.stringify(`${name}: ${value}`);
      throw new TypeError(`Cannot send ${field} as a header`);
    }
    putField(bytes, name, value);
  }
  return new Uint8Array(bytes);
}

function putField(bytes: number[], name: string, value: string): void {
  const field = NUMBER_OF_FIELD.get(`${name} ${value}`);
  if (field !== undefined) return putInteger(bytes, 0x80, 7, field);
  const number = NUMBER_OF_NAME.get(name) ?? 0;
  putInteger(bytes, 0, 4, number);
  if (number === 0) putString(bytes, name);
  putString(bytes, value);
}

function putString(bytes: number[], text: string): void {
  putInteger(bytes, 0, 7, text.length);
  for (let i = 0; i < text.length; i++) bytes.push(text.charCodeAt(i));
}

/** @param flags the bits in front of it, in the same byte */
function putInteger(
  bytes: number[],
  flags: number,
  prefixBits: number,
  value: number,
): void {
  const most = (1 << prefixBits) - 1;
  if (value < most) {
    bytes.push(flags | value);
    return;
  }
  bytes.push(flags | most);
  let rest = value - most;
  for (; rest >= 0x80; rest >>= 7) bytes.push(0x80 | rest & 0x7f);
  bytes.push(rest);
}
