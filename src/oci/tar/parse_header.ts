import { dataLoss } from "../../base/errors.ts";
import {
  isChecksumRight,
  readCount,
  readNumber,
  readString,
} from "./fields.ts";
import {
  MAX_NAME_BYTES,
  type SparseSegment,
  type TarEntryType,
  type TarHeader,
  type TarTime,
} from "./header.ts";
import type { PaxRecords } from "./pax.ts";

/** What precedes an entry and changes how its header is read. */
export interface Extensions {
  /** GNU `L`. */
  readonly longName: string | undefined;
  /** GNU `K`. */
  readonly longLink: string | undefined;
  readonly pax: PaxRecords | undefined;
}

/** A header as it is being put together. */
export interface DraftHeader {
  index: number;
  type: TarEntryType;
  name: string;
  linkName: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  realSize: number;
  sparse: readonly SparseSegment[] | undefined;
  mtime: TarTime;
  atime: TarTime | undefined;
  devMajor: number;
  devMinor: number;
  xattrs: TarHeader["xattrs"];
}

/** The type flag of a header block: one character. */
export function typeFlag(block: Uint8Array): string {
  return String.fromCharCode(block[156] as number);
}

/**
 * Bytes of data that the header block itself speaks of.
 * @throws {EngineError} `dataLoss`, also if the checksum is wrong
 */
export function checkedSize(block: Uint8Array): number {
  if (!isChecksumRight(block)) throw dataLoss("its checksum is wrong");
  return readCount(block, 124, 12);
}

/**
 * Reads a header block that is known to be sound.
 * @param size what `checkedSize` gave
 * @throws {EngineError} `dataLoss`
 */
export function parseHeader(
  block: Uint8Array,
  index: number,
  size: number,
  { longName, longLink, pax }: Extensions,
): DraftHeader {
  const name = pax?.path ?? longName ?? readName(block);
  const linkName = pax?.linkPath ?? longLink ?? readString(block, 157, 100);
  if (name.length > MAX_NAME_BYTES || linkName.length > MAX_NAME_BYTES) {
    throw dataLoss(`a name is longer than "${MAX_NAME_BYTES}" bytes`);
  }
  const type = entryType(typeFlag(block), name);
  const isDevice = type === "char" || type === "block";
  const fileSize = type === "file" ? pax?.size ?? size : 0;
  return {
    index,
    type,
    name,
    linkName: type === "symlink" || type === "hardlink" ? linkName : "",
    mode: readCount(block, 100, 8) & 0o7777,
    uid: checkedId(pax?.uid ?? readCount(block, 108, 8)),
    gid: checkedId(pax?.gid ?? readCount(block, 116, 8)),
    size: fileSize,
    realSize: fileSize,
    sparse: undefined,
    mtime: pax?.mtime ?? { sec: readNumber(block, 136, 12), nsec: 0 },
    atime: pax?.atime,
    devMajor: isDevice ? readCount(block, 329, 8) : 0,
    devMinor: isDevice ? readCount(block, 337, 8) : 0,
    xattrs: pax?.xattrs,
  };
}

/**
 * Bytes of data that follow the header and are not the entry's own.
 * Only files have data, whatever the size field of the others says, except for
 * two old ways to write a directory.
 */
export function foreignData(
  block: Uint8Array,
  header: DraftHeader,
  size: number,
): number {
  if (header.type !== "directory") return 0;
  const flag = block[156];
  return flag === 0 || flag === 0x44 ? size : 0;
}

const U = 0x75;

/** Name with the prefix of ustar, or of star, which is shorter. */
function readName(block: Uint8Array): string {
  const name = readString(block, 0, 100);
  const isUstar = block[257] === U && block[262] === 0 && block[345] !== 0 &&
    readString(block, 257, 6) === "ustar";
  if (!isUstar) return name;
  const isStar = block[508] === 0x74 && block[509] === 0x61 &&
    block[510] === 0x72 && block[511] === 0;
  const prefix = readString(block, 345, isStar ? 131 : 155);
  return prefix === "" ? name : `${prefix}/${name}`;
}

function entryType(flag: string, name: string): TarEntryType {
  switch (flag) {
    case "\0":
      // Before there was a flag for them, directories ended in a slash.
      return name.endsWith("/") ? "directory" : "file";
    case "0":
    case "7":
    case "S":
      return "file";
    case "1":
      return "hardlink";
    case "2":
      return "symlink";
    case "3":
      return "char";
    case "4":
      return "block";
    case "5":
    case "D":
      return "directory";
    case "6":
      return "fifo";
    default:
      throw dataLoss(`type "${flag}" is unknown`);
  }
}

/** The largest number is what chown(2) takes for "leave it". */
const MAX_ID = 0xffff_fffe;

function checkedId(id: number): number {
  if (id > MAX_ID) throw dataLoss(`owner "${id}" is no user or group id`);
  return id;
}
