/**
 * A stand-in's program: an executable of two segments, the code and the data
 * that it works on, at addresses that are known beforehand.
 *
 * The data, in bytes from its start: 0 path and 8 arguments of the runtime (no
 * path: there is none), 16 path and 24 arguments of the shim, 32 the process's
 * name, 40 `u32` how many descriptors are polled, 44 `i32` a status, 48 signals
 * that it ignores (one byte each, up to a 0), 56 `struct sigaction` for those,
 * 88 `struct pollfd[]`, the first of them for the container's process. Behind
 * that are the arrays and strings to which the pointers point.
 */

import { type StandInArch, standInCode } from "./code.ts";

export interface Program {
  readonly path: string;
  /** The name that it is called by among them. */
  readonly argv: readonly string[];
}

export interface StandInPlan {
  /** Started, and waited for, before anything else. */
  readonly runtime?: Program;
  /** What it becomes. */
  readonly shim: Program;
  /** Its process's name, of which 15 bytes are shown. */
  readonly name: string;
  /** Descriptor of the container's process, if that is known. */
  readonly pidfd?: number;
  /** Descriptors: when one can be read there is work for the shim. */
  readonly polled: readonly number[];
}

const MACHINE = { x86_64: 62, aarch64: 183 } as const;

const CODE_ADDRESS = 0x40_0000;
/** Pages have 64 KiB at most. */
const PAGE = 0x1_0000;
const DATA_ADDRESS = CODE_ADDRESS + PAGE;

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const ENTRY = HEADER_BYTES + 3 * SEGMENT_BYTES;

/** @see elf(5) */
const EXECUTABLE = 2;
const SEGMENT = { load: 1, stack: 0x6474e551 } as const;
const ACCESS = { execute: 1, write: 2, read: 4 } as const;

const AT = {
  runtime: 0,
  shim: 16,
  name: 32,
  count: 40,
  status: 44,
  signals: 48,
  action: 56,
  polled: 88,
} as const;
const POLLED_BYTES = 8;
const POLLIN = 1;
const SIG_IGN = 1n;
/** HUP, INT, PIPE, TERM: whoever ends everybody does not mean a shim. */
const IGNORED = [1, 2, 13, 15];
/** Of a runtime that could not even be started. */
const NO_STATUS = -1;

/** The bytes of the executable. */
export function standInImage(
  plan: StandInPlan,
  arch: StandInArch = Deno.build.arch,
): Uint8Array<ArrayBuffer> {
  const code = standInCode(arch);
  const data = dataOf(plan);
  const image = new Uint8Array(PAGE + data.length);
  image.set(header(arch));
  image.set(segment(ACCESS.read | ACCESS.execute, 0, ENTRY + code.length), 64);
  image.set(segment(ACCESS.read | ACCESS.write, PAGE, data.length), 120);
  image.set(stackSegment(), 176);
  image.set(code, ENTRY);
  image.set(data, PAGE);
  return image;
}

function header(arch: StandInArch): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES);
  // 64 bits, little-endian, version 1.
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const view = new DataView(bytes.buffer);
  view.setUint16(16, EXECUTABLE, true);
  view.setUint16(18, MACHINE[arch], true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(CODE_ADDRESS + ENTRY), true);
  view.setBigUint64(32, BigInt(HEADER_BYTES), true);
  view.setUint16(52, HEADER_BYTES, true);
  view.setUint16(54, SEGMENT_BYTES, true);
  view.setUint16(56, 3, true);
  return bytes;
}

/** @param offset in the file; in memory it is as far from the code */
function segment(
  access: number,
  offset: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SEGMENT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, SEGMENT.load, true);
  view.setUint32(4, access, true);
  view.setBigUint64(8, BigInt(offset), true);
  view.setBigUint64(16, BigInt(CODE_ADDRESS + offset), true);
  view.setBigUint64(24, BigInt(CODE_ADDRESS + offset), true);
  view.setBigUint64(32, BigInt(length), true);
  view.setBigUint64(40, BigInt(length), true);
  view.setBigUint64(48, BigInt(PAGE), true);
  return bytes;
}

/** Nothing on the stack is executed. */
function stackSegment(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SEGMENT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, SEGMENT.stack, true);
  view.setUint32(4, ACCESS.read | ACCESS.write, true);
  return bytes;
}

function dataOf(plan: StandInPlan): Uint8Array<ArrayBuffer> {
  const polled = [plan.pidfd ?? -1, ...plan.polled];
  const { runtime, shim, name } = plan;
  const heap = new Heap(AT.polled + POLLED_BYTES * polled.length);
  const pointers = [
    ...programPointers(heap, runtime),
    ...programPointers(heap, shim),
    heap.string(name),
  ];
  const data = heap.bytes();
  const view = new DataView(data.buffer);
  pointers.forEach((it, index) => view.setBigUint64(8 * index, it, true));
  view.setUint32(AT.count, polled.length, true);
  view.setInt32(AT.status, NO_STATUS, true);
  data.set(IGNORED, AT.signals);
  view.setBigUint64(AT.action, SIG_IGN, true);
  polled.forEach((fd, index) => {
    const at = AT.polled + POLLED_BYTES * index;
    view.setInt32(at, fd, true);
    view.setInt16(at + 4, POLLIN, true);
  });
  return data;
}

function programPointers(
  heap: Heap,
  program: Program | undefined,
): readonly [bigint, bigint] {
  if (program === undefined) return [0n, 0n];
  return [heap.string(program.path), heap.stringArray(program.argv)];
}

/** What pointers point to. */
class Heap {
  readonly #parts: Uint8Array<ArrayBuffer>[] = [];
  #length: number;

  /** @param start bytes of the data before it */
  constructor(start: number) {
    this.#length = start;
    this.#parts.push(new Uint8Array(start));
  }

  /** @returns its address */
  string(text: string): bigint {
    return this.#add(new TextEncoder().encode(`${text}\0`));
  }

  /** @returns the address of a `char *[]` that ends with NULL */
  stringArray(texts: readonly string[]): bigint {
    const addresses = texts.map((text) => this.string(text));
    const bytes = new Uint8Array(8 * (texts.length + 1));
    const view = new DataView(bytes.buffer);
    addresses.forEach((it, index) => view.setBigUint64(8 * index, it, true));
    return this.#add(bytes);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  #add(bytes: Uint8Array<ArrayBuffer>): bigint {
    const address = BigInt(DATA_ADDRESS + this.#length);
    const padding = -bytes.length & 7;
    this.#parts.push(bytes, new Uint8Array(padding));
    this.#length += bytes.length + padding;
    return address;
  }
}
