/** Encoding messages as they are sent, each behind its prefix. */

import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { PREFIX_BYTES, putPrefix } from "./message_reader.ts";

/** What encodes messages of a type, as generated code does. */
export interface Encoder<T> {
  encode(message: T, writer: BinaryWriter): BinaryWriter;
}

/** Fields of bytes that are as long are not copied. */
const LONG_BYTES = 1024;

/** The runtime encodes longer text; to call it takes longer than this. */
const SHORT_TEXT = 64;

const FIRST_BYTES = 1024;
/** No varint takes more. */
const VARINT_BYTES = 10;

const UTF8 = new TextEncoder();

/** Where something began whose length is to be written before it. */
interface Start {
  readonly at: number;
  readonly longPieces: number;
  readonly longBytes: number;
}

/**
 * Writes messages one behind the other. Long fields of bytes stay where they
 * are, so that nobody may change them: the library's own writer copies them
 * once for every level at which they are, and once more at the end.
 */
export class MessageWriter extends BinaryWriter {
  /** What is short, without gaps for what is long. */
  #bytes = new Uint8Array(FIRST_BYTES);
  #at = 0;
  /** In order; `at` says in front of which of the short bytes. */
  #long: { at: number; readonly piece: Uint8Array }[] = [];
  #longBytes = 0;
  readonly #open: Start[] = [];

  /** @throws {EngineError} `resourceExhausted` if it is too long */
  message<T>(type: Encoder<T>, message: T): void {
    const start = this.#start();
    this.#at += PREFIX_BYTES;
    type.encode(message, this);
    putPrefix(this.#bytes, start.at, this.#since(start) - PREFIX_BYTES);
  }

  /** @returns all that has been written since the last time, in order */
  take(): readonly Uint8Array[] {
    const short = this.#bytes.slice(0, this.#at);
    const pieces: Uint8Array[] = [];
    let from = 0;
    for (const { at, piece } of this.#long) {
      pieces.push(short.subarray(from, at), piece);
      from = at;
    }
    pieces.push(short.subarray(from));
    this.#at = 0;
    this.#long = [];
    this.#longBytes = 0;
    return pieces;
  }

  override finish(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#at + this.#longBytes);
    let at = 0;
    for (const piece of this.take()) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  override fork(): this {
    this.#open.push(this.#start());
    // Most lengths take one byte.
    this.#at++;
    return this;
  }

  override join(): this {
    const start = this.#open.pop();
    if (start === undefined) throw new TypeError("There is nothing to join");
    const length = this.#since(start) - 1;
    const more = varintBytes(length) - 1;
    if (more > 0) this.#shift(start, more);
    putVarint(this.#bytes, start.at, length);
    return this;
  }

  override raw(chunk: Uint8Array): this {
    if (chunk.length < LONG_BYTES) {
      this.#ensure(chunk.length);
      this.#bytes.set(chunk, this.#at);
      this.#at += chunk.length;
    } else {
      this.#long.push({ at: this.#at, piece: chunk });
      this.#longBytes += chunk.length;
    }
    return this;
  }

  override string(value: string): this {
    const { length } = value;
    this.#ensure(VARINT_BYTES + 3 * length);
    if (length <= SHORT_TEXT && this.#putAscii(value)) return this;
    this.fork();
    const { written } = UTF8.encodeInto(value, this.#bytes.subarray(this.#at));
    this.#at += written;
    return this.join();
  }

  override uint32(value: number): this {
    return isBetween(value, 0xffff_ffff)
      ? this.#varint(value)
      : super.uint32(value);
  }
  override int32(value: number): this {
    return isBetween(value, 0x7fff_ffff)
      ? this.#varint(value)
      : this.#taken(super.int32(value));
  }
  override uint64(value: string | number | bigint): this {
    const number = Number(value);
    return isBetween(number, Number.MAX_SAFE_INTEGER)
      ? this.#varint(number)
      : this.#taken(super.uint64(value));
  }
  override int64(value: string | number | bigint): this {
    const number = Number(value);
    return isBetween(number, Number.MAX_SAFE_INTEGER)
      ? this.#varint(number)
      : this.#taken(super.int64(value));
  }
  override bool(value: boolean): this {
    return this.#varint(value ? 1 : 0);
  }

  // What is rare the library knows how to write.

  override sint32(value: number): this {
    return this.#taken(super.sint32(value));
  }
  override sint64(value: string | number | bigint): this {
    return this.#taken(super.sint64(value));
  }
  override fixed32(value: number): this {
    return this.#taken(super.fixed32(value));
  }
  override fixed64(value: string | number | bigint): this {
    return this.#taken(super.fixed64(value));
  }
  override sfixed32(value: number): this {
    return this.#taken(super.sfixed32(value));
  }
  override sfixed64(value: string | number | bigint): this {
    return this.#taken(super.sfixed64(value));
  }
  override float(value: number): this {
    return this.#taken(super.float(value));
  }
  override double(value: number): this {
    return this.#taken(super.double(value));
  }

  #taken(_written: this): this {
    return this.raw(super.finish());
  }

  #varint(value: number): this {
    this.#ensure(VARINT_BYTES);
    this.#at = putVarint(this.#bytes, this.#at, value);
    return this;
  }

  /** @returns false, and nothing is written, if it is something else */
  #putAscii(value: string): boolean {
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = value.length;
    for (let index = 0; index < value.length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return false;
      bytes[at++] = unit;
    }
    this.#at = at;
    return true;
  }

  #start(): Start {
    this.#ensure(VARINT_BYTES);
    const { length: longPieces } = this.#long;
    return { at: this.#at, longPieces, longBytes: this.#longBytes };
  }

  #since({ at, longBytes }: Start): number {
    return this.#at - at + this.#longBytes - longBytes;
  }

  /** Moves what has been written behind the first byte of it. */
  #shift({ at, longPieces }: Start, bytes: number): void {
    this.#ensure(bytes);
    this.#bytes.copyWithin(at + 1 + bytes, at + 1, this.#at);
    this.#at += bytes;
    for (const long of this.#long.slice(longPieces)) long.at += bytes;
  }

  /** Makes room for as many bytes. */
  #ensure(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}

/** @returns whether it is an integer from 0 to `most` */
function isBetween(value: number, most: number): boolean {
  return value >= 0 && value <= most && Number.isInteger(value);
}

/** @param value an integer that is safe, and not negative */
function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let end = at;
  let rest = value;
  for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 0x80)) {
    bytes[end++] = rest % 0x80 | 0x80;
  }
  for (; rest > 0x7f; rest >>>= 7) bytes[end++] = rest & 0x7f | 0x80;
  bytes[end++] = rest;
  return end;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) bytes++;
  return bytes;
}
