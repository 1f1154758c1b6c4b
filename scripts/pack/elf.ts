/**
 * The few things that packing needs to know about an ELF executable, and the
 * one change that it makes: its PT_NOTE program header becomes a PT_LOAD for
 * a segment of ours, and its entry point moves there.
 *
 * @see System V ABI, "Object Files" and "Program Loading"
 */

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_NOTE = 4;
const PF_X = 1;
const PF_R = 4;
const ET_DYN = 3;
const PROGRAM_HEADER_BYTES = 56;

/** Notes that only people and debuggers read: ABI tag, build id. */
const DISPOSABLE_NOTES: readonly number[] = [1, 3];

/** Largest page size of either architecture, so that every kernel can map. */
export const SEGMENT_ALIGN = 0x10000;

export interface ElfImage {
  /** `e_machine`: 62 is x86-64, 183 is aarch64. */
  readonly machine: number;
  /** Relative to the load base. */
  readonly entry: bigint;
  /** Where PT_NOTE's program header lies in the file. */
  readonly noteHeaderAt: number;
  /** First free address above all segments. */
  readonly endAddress: bigint;
  readonly segments: readonly Segment[];
}

/** A PT_LOAD or PT_DYNAMIC program header. */
export interface Segment {
  readonly kind: "load" | "dynamic";
  readonly offset: number;
  readonly address: bigint;
  readonly fileBytes: number;
  readonly memoryBytes: bigint;
}

/**
 * Reads the headers of a position-independent little-endian ELF-64.
 * @param head the beginning of the file, with all program headers and notes
 * @throws {Error} if it is no such file, or its PT_NOTE can't be given up
 */
export function parseElf(head: Uint8Array<ArrayBuffer>): ElfImage {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (
    view.getUint32(0) !== 0x7f454c46 || view.getUint8(4) !== 2 ||
    view.getUint8(5) !== 1 || view.getUint16(16, true) !== ET_DYN
  ) {
    throw new Error(
      "Cannot pack: not a position-independent ELF-64 executable",
    );
  }
  const headersAt = Number(view.getBigUint64(32, true));
  const count = view.getUint16(56, true);
  const segments: Segment[] = [];
  let noteHeaderAt: number | undefined;
  for (let i = 0; i < count; i++) {
    const at = headersAt + i * PROGRAM_HEADER_BYTES;
    const type = view.getUint32(at, true);
    if (type === PT_NOTE) {
      checkNotes(view, at);
      noteHeaderAt = at;
    } else if (type === PT_LOAD) {
      // The kernel wants PT_LOADs in ascending order, and ours is the highest.
      if (noteHeaderAt !== undefined) noteHeaderAt = Infinity;
      segments.push(readSegment(view, at, "load"));
    } else if (type === PT_DYNAMIC) {
      segments.push(readSegment(view, at, "dynamic"));
    }
  }
  if (noteHeaderAt === undefined || noteHeaderAt === Infinity) {
    throw new Error("Cannot pack: no PT_NOTE behind the last PT_LOAD");
  }
  return {
    machine: view.getUint16(18, true),
    entry: view.getBigUint64(24, true),
    noteHeaderAt,
    endAddress: segments.map((it) => it.address + it.memoryBytes)
      .reduce((a, b) => a > b ? a : b, 0n),
    segments,
  };
}

function readSegment(
  view: DataView,
  at: number,
  kind: Segment["kind"],
): Segment {
  return {
    kind,
    offset: Number(view.getBigUint64(at + 8, true)),
    address: view.getBigUint64(at + 16, true),
    fileBytes: Number(view.getBigUint64(at + 32, true)),
    memoryBytes: view.getBigUint64(at + 40, true),
  };
}

/** A note that the loader or the kernel acts on must not be lost. */
function checkNotes(view: DataView, header: number): void {
  let at = Number(view.getBigUint64(header + 8, true));
  const end = at + Number(view.getBigUint64(header + 32, true));
  while (at + 12 <= end) {
    const nameBytes = view.getUint32(at, true);
    const bodyBytes = view.getUint32(at + 4, true);
    const type = view.getUint32(at + 8, true);
    if (!DISPOSABLE_NOTES.includes(type)) {
      throw new Error(`Cannot pack: PT_NOTE holds a note of type "${type}"`);
    }
    at += 12 + alignUp(nameBytes, 4) + alignUp(bodyBytes, 4);
  }
}

/** Where our segment goes: page-aligned in the file and in memory. */
export interface Placement {
  readonly fileOffset: number;
  readonly address: bigint;
  readonly bytes: number;
}

/** @param fileEnd bytes of the file before the segment is appended */
export function placeSegment(
  image: ElfImage,
  fileEnd: number,
  bytes: number,
): Placement {
  const align = BigInt(SEGMENT_ALIGN);
  return {
    fileOffset: alignUp(fileEnd, SEGMENT_ALIGN),
    address: (image.endAddress + align - 1n) / align * align,
    bytes,
  };
}

/** Writes the new program header and entry point into `head`. */
export function patchElf(
  head: Uint8Array<ArrayBuffer>,
  image: ElfImage,
  { fileOffset, address, bytes }: Placement,
): void {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const at = image.noteHeaderAt;
  view.setBigUint64(24, address, true);
  view.setUint32(at, PT_LOAD, true);
  view.setUint32(at + 4, PF_R | PF_X, true);
  view.setBigUint64(at + 8, BigInt(fileOffset), true);
  view.setBigUint64(at + 16, address, true);
  view.setBigUint64(at + 24, address, true);
  view.setBigUint64(at + 32, BigInt(bytes), true);
  view.setBigUint64(at + 40, BigInt(bytes), true);
  view.setBigUint64(at + 48, BigInt(SEGMENT_ALIGN), true);
}

export function alignUp(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}
