/**
 * Writes tar archives: plain ustar headers, preceded by a pax header only for
 * what ustar can't say. The same entries always give the same bytes.
 *
 * An archive is, for each entry, `encodeHeader`, the data, `paddingOf` its
 * size, and at the end `END_OF_ARCHIVE`.
 *
 * @see POSIX.1-2017, pax, "pax Interchange Format"
 */

import { invalidArgument } from "../../base/errors.ts";
import { encodePath } from "../../base/path_bytes.ts";
import { BLOCK_SIZE, type TarEntryType, type TarTime } from "./header.ts";

/** An entry to write; as `TarHeader`, with only what it needs. */
export interface TarEntry {
  readonly type: TarEntryType;
  /** Directories need no slash at the end. */
  readonly name: string;
  /** Of symlinks and hard links. */
  readonly linkName?: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow; files only. */
  readonly size?: number;
  readonly mtime: TarTime;
  readonly devMajor?: number;
  readonly devMinor?: number;
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
}

export const END_OF_ARCHIVE: Readonly<Uint8Array<ArrayBuffer>> = new Uint8Array(
  2 * BLOCK_SIZE,
);

const NEWLINE = encodePath("\n");
const MAGIC = encodePath("ustar\x0000");
const ZEROS = new Uint8Array(BLOCK_SIZE);
const MAX_SIZE = 0o77777777777;
const MAX_ID = 0o7777777;
const MAX_TIME = 0o77777777777;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;

const FLAG = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  char: "3",
  block: "4",
  directory: "5",
  fifo: "6",
} as const satisfies Record<TarEntryType, string>;

/** Zeros that fill the last block of an entry's data; maybe none. */
export function paddingOf(size: number): Uint8Array<ArrayBuffer> {
  return ZEROS.subarray(0, (BLOCK_SIZE - size % BLOCK_SIZE) % BLOCK_SIZE);
}

/**
 * The header blocks of one entry.
 * @throws {EngineError} `invalidArgument` for what no archive can hold
 */
export function encodeHeader(entry: TarEntry): Uint8Array<ArrayBuffer> {
  const name = encodePath(archiveName(entry));
  const linkName = encodePath(entry.linkName ?? "");
  const place = placeName(name);
  const records = paxRecords(entry, {
    name: place === undefined ? name : undefined,
    linkName: fits(linkName, NAME_BYTES) ? undefined : linkName,
  });
  const block = ustarBlock(entry, {
    place: place ?? { prefix: ZEROS.subarray(0, 0), name: cut(name) },
    linkName: cut(linkName),
    flag: FLAG[entry.type],
    size: entry.type === "file" ? entry.size ?? 0 : 0,
  });
  return records.length === 0
    ? block
    : concat([...paxHeader(entry, name, concat(records)), block]);
}

function archiveName({ type, name, linkName }: TarEntry): string {
  if (name.includes("\0") || linkName?.includes("\0")) {
    throw invalidArgument(`Cannot archive "${name}": it has a NUL`);
  }
  return type === "directory" && !name.endsWith("/") ? `${name}/` : name;
}

interface Place {
  readonly prefix: Uint8Array;
  readonly name: Uint8Array;
}

/** Where ustar holds the name; undefined if it can't. */
function placeName(name: Uint8Array): Place | undefined {
  if (fits(name, NAME_BYTES)) return { prefix: name.subarray(0, 0), name };
  if (!fits(name, NAME_BYTES + 1 + PREFIX_BYTES)) return undefined;
  // The slash between the two is not stored; the last byte of a directory's
  // name is one too, and no name may be empty.
  const slash = name.indexOf(0x2f, name.length - NAME_BYTES - 1);
  if (slash <= 0 || slash > PREFIX_BYTES || slash >= name.length - 1) {
    return undefined;
  }
  return { prefix: name.subarray(0, slash), name: name.subarray(slash + 1) };
}

function fits(text: Uint8Array, length: number): boolean {
  if (text.length > length) return false;
  let all = 0;
  for (let at = 0; at < text.length; at++) all |= text[at] as number;
  return all < 0x80;
}

function cut(text: Uint8Array): Uint8Array {
  return text.subarray(0, NAME_BYTES);
}

function paxRecords(
  { uid, gid, size, mtime, xattrs }: TarEntry,
  long: { name: Uint8Array | undefined; linkName: Uint8Array | undefined },
): Uint8Array<ArrayBuffer>[] {
  const records: Uint8Array<ArrayBuffer>[] = [];
  const add = (key: string, value: Uint8Array | string | number) =>
    records.push(paxRecord(key, value));
  if (long.name !== undefined) add("path", long.name);
  if (long.linkName !== undefined) add("linkpath", long.linkName);
  if (uid > MAX_ID) add("uid", uid);
  if (gid > MAX_ID) add("gid", gid);
  if (size !== undefined && size > MAX_SIZE) add("size", size);
  if (mtime.nsec !== 0 || mtime.sec < 0 || mtime.sec > MAX_TIME) {
    add("mtime", decimalTime(mtime));
  }
  if (xattrs === undefined || xattrs.size === 0) return records;
  for (const [key, value] of [...xattrs].sort(byKey)) {
    if (key.includes("=")) {
      throw invalidArgument(`Cannot archive extended attribute "${key}"`);
    }
    add(`SCHILY.xattr.${key}`, value);
  }
  return records;
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `-1.25` for sec -2, nsec 750,000,000. */
function decimalTime({ sec, nsec }: TarTime): string {
  if (nsec === 0) return `${sec}`;
  const [sign, whole, rest] = sec < 0
    ? ["-", -1 - sec, 1e9 - nsec]
    : ["", sec, nsec];
  const fraction = `${rest}`.padStart(9, "0").replace(/0+$/, "");
  return `${sign}${whole}.${fraction}`;
}

/** `LENGTH KEY=VALUE\n`, where LENGTH counts its own digits. */
function paxRecord(
  key: string,
  value: Uint8Array | string | number,
): Uint8Array<ArrayBuffer> {
  const bytes = value instanceof Uint8Array ? value : encodePath(`${value}`);
  const body = ` ${key}=`;
  // The key may be longer in bytes than in characters.
  const rest = encodePath(body).length + bytes.length + 1;
  let length = rest + `${rest}`.length;
  if (`${length}`.length !== `${rest}`.length) length++;
  return concat([encodePath(length + body), bytes, NEWLINE]);
}

function paxHeader(
  entry: TarEntry,
  name: Uint8Array,
  body: Uint8Array,
): Uint8Array[] {
  const trimmed = name.at(-1) === 0x2f ? name.subarray(0, -1) : name;
  const base = trimmed.subarray(trimmed.lastIndexOf(0x2f) + 1);
  const header = ustarBlock({ ...entry, uid: 0, gid: 0, mode: 0o644 }, {
    place: {
      prefix: name.subarray(0, 0),
      name: cut(concat([encodePath("PaxHeaders.0/"), base])),
    },
    linkName: name.subarray(0, 0),
    flag: "x",
    size: body.length,
  });
  return [header, body, paddingOf(body.length)];
}

interface Fields {
  readonly place: Place;
  readonly linkName: Uint8Array;
  readonly flag: string;
  readonly size: number;
}

function ustarBlock(
  entry: TarEntry,
  { place, linkName, flag, size }: Fields,
): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK_SIZE);
  block.set(place.name, 0);
  octal(block, 100, 8, entry.mode & 0o7777);
  // What does not fit stands in the pax header; here is 0 then, or the most.
  octal(block, 108, 8, entry.uid > MAX_ID ? 0 : entry.uid);
  octal(block, 116, 8, entry.gid > MAX_ID ? 0 : entry.gid);
  octal(block, 124, 12, size > MAX_SIZE ? 0 : size);
  octal(block, 136, 12, Math.min(Math.max(entry.mtime.sec, 0), MAX_TIME));
  block[156] = flag.charCodeAt(0);
  block.set(linkName, 157);
  block.set(MAGIC, 257);
  octal(block, 329, 8, entry.devMajor ?? 0);
  octal(block, 337, 8, entry.devMinor ?? 0);
  block.set(place.prefix, 345);
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (let at = 0; at < BLOCK_SIZE; at++) sum += block[at] as number;
  octal(block, 148, 7, sum);
  return block;
}

function octal(
  block: Uint8Array,
  offset: number,
  length: number,
  value: number,
): void {
  if (!(value >= 0 && value < 8 ** (length - 1))) {
    throw invalidArgument(`Cannot archive number "${value}": it is too large`);
  }
  let rest = value;
  for (let at = offset + length - 2; at >= offset; at--) {
    block[at] = 0x30 + rest % 8;
    rest = Math.floor(rest / 8);
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
