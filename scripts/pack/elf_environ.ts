/**
 * Finds out how a dynamically linked executable gets at libc's `environ`: by a
 * slot of its global offset table, which ld.so fills before the start.
 */

import type { ElfImage } from "./elf.ts";

const DT_STRTAB = 5n;
const DT_SYMTAB = 6n;
const DT_RELA = 7n;
const DT_RELASZ = 8n;

const SYMBOL_BYTES = 24;
const RELOCATION_BYTES = 24;

/** `R_*_GLOB_DAT` by `e_machine`: the slot gets the symbol's address. */
const GLOB_DAT: Readonly<Record<number, number>> = { 62: 6, 183: 1025 };

/** Reads `bytes` at `offset` of the executable. */
export type ReadAt = (
  offset: number,
  bytes: number,
) => Uint8Array<ArrayBuffer>;

/**
 * Address of the slot, relative to the load base.
 * @throws {Error} if there is none
 */
export function environSlot(image: ElfImage, readAt: ReadAt): bigint {
  const table = dynamicTable(image, readAt);
  const symbols = fileOffset(image, table.get(DT_SYMTAB));
  const names = fileOffset(image, table.get(DT_STRTAB));
  const bytes = Number(table.get(DT_RELASZ) ?? 0n);
  const relocations = readAt(fileOffset(image, table.get(DT_RELA)), bytes);
  const view = new DataView(relocations.buffer, relocations.byteOffset);
  for (let at = 0; at + RELOCATION_BYTES <= bytes; at += RELOCATION_BYTES) {
    if (view.getUint32(at + 8, true) !== GLOB_DAT[image.machine]) continue;
    const symbol = view.getUint32(at + 12, true);
    const nameAt = new DataView(
      readAt(symbols + symbol * SYMBOL_BYTES, 4).buffer,
    ).getUint32(0, true);
    const name = new TextDecoder().decode(readAt(names + nameAt, 8));
    if (name === "environ\0") return view.getBigUint64(at, true);
  }
  throw new Error("Cannot pack: the executable does not refer to environ");
}

function dynamicTable(image: ElfImage, readAt: ReadAt): Map<bigint, bigint> {
  const segment = image.segments.find(({ kind }) => kind === "dynamic");
  if (segment === undefined) {
    throw new Error("Cannot pack: the executable is not linked dynamically");
  }
  const entries = readAt(segment.offset, segment.fileBytes);
  const words = new BigUint64Array(entries.slice().buffer);
  const table = new Map<bigint, bigint>();
  for (let i = 0; i + 1 < words.length; i += 2) {
    table.set(words[i] ?? 0n, words[i + 1] ?? 0n);
  }
  return table;
}

/** Where the byte at `address` is in the file. */
function fileOffset(image: ElfImage, address: bigint | undefined): number {
  const segment = image.segments.find((it) =>
    it.kind === "load" && address !== undefined && address >= it.address &&
    address < it.address + BigInt(it.fileBytes)
  );
  if (segment === undefined || address === undefined) {
    throw new Error(`Cannot pack: address "${address}" is not in the file`);
  }
  return segment.offset + Number(address - segment.address);
}
