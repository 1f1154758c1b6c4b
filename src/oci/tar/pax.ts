import { dataLoss } from "../../base/errors.ts";
import { decodePath } from "../../base/path_bytes.ts";
import type { TarTime } from "./header.ts";

/** What extended headers say, parsed; only what concerns images is kept. */
export interface PaxRecords {
  path?: string;
  linkPath?: string;
  size?: number;
  uid?: number;
  gid?: number;
  mtime?: TarTime;
  atime?: TarTime;
  xattrs?: Map<string, Uint8Array<ArrayBuffer>>;
  sparse?: PaxSparse;
}

/** The `GNU.sparse.*` records. */
export interface PaxSparse {
  major?: number;
  minor?: number;
  name?: string;
  /** Version 0: `GNU.sparse.size`; version 1: `GNU.sparse.realsize`. */
  realSize?: number;
  /** Offset and length by turns, of version 0.0 and 0.1. */
  numbers?: number[];
}

const SCHILY_XATTR = "SCHILY.xattr.";
const LIBARCHIVE_XATTR = "LIBARCHIVE.xattr.";

/**
 * Parses the body of an extended header: lines `LENGTH KEY=VALUE\n`, where
 * LENGTH counts all of the line. An empty value takes an earlier one back.
 *
 * @param records is added to
 * @throws {EngineError} `dataLoss`
 */
export function parsePax(body: Uint8Array, records: PaxRecords): void {
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(0x20, at);
    const end = at + decimalAt(body, at, space);
    const equals = body.indexOf(0x3d, space + 1);
    if (
      !(end <= body.length) || body[end - 1] !== 0x0a || equals <= space + 1 ||
      equals >= end - 1
    ) {
      throw dataLoss("an extended header is malformed");
    }
    const key = decodePath(body, space + 1, equals);
    apply(records, key, body.subarray(equals + 1, end - 1));
    at = end;
  }
}

/** The digits between `at` and `end`; NaN if they are none. */
function decimalAt(body: Uint8Array, at: number, end: number): number {
  if (end <= at || end - at > 15) return NaN;
  let value = 0;
  for (; at < end; at++) {
    const digit = (body[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Global records under an entry's own. */
export function mergePax(
  global: PaxRecords | undefined,
  local: PaxRecords | undefined,
): PaxRecords | undefined {
  if (global === undefined) return local;
  if (local === undefined) return global;
  const merged = { ...global, ...local };
  if (global.xattrs !== undefined && local.xattrs !== undefined) {
    merged.xattrs = new Map([...global.xattrs, ...local.xattrs]);
  }
  return merged;
}

function apply(records: PaxRecords, key: string, value: Uint8Array): void {
  switch (key) {
    case "path":
      return set(records, "path", value, text);
    case "linkpath":
      return set(records, "linkPath", value, text);
    case "size":
      return set(records, "size", value, count);
    case "uid":
      return set(records, "uid", value, count);
    case "gid":
      return set(records, "gid", value, count);
    case "mtime":
      return set(records, "mtime", value, time);
    case "atime":
      return set(records, "atime", value, time);
  }
  if (key.startsWith(SCHILY_XATTR)) {
    setXattr(records, key.slice(SCHILY_XATTR.length), value.slice());
  } else if (key.startsWith(LIBARCHIVE_XATTR)) {
    const name = percentDecode(key.slice(LIBARCHIVE_XATTR.length));
    // The same attribute as SCHILY.xattr, where both are given, is exact.
    if (!records.xattrs?.has(name)) {
      setXattr(records, name, base64(text(value)));
    }
  } else if (key.startsWith("GNU.sparse.")) {
    applySparse(records.sparse ??= {}, key.slice(11), value);
  }
}

function set<K extends keyof PaxRecords>(
  records: PaxRecords,
  key: K,
  value: Uint8Array,
  parse: (value: Uint8Array) => NonNullable<PaxRecords[K]>,
): void {
  if (value.length === 0) delete records[key];
  else records[key] = parse(value);
}

function setXattr(
  records: PaxRecords,
  name: string,
  value: Uint8Array<ArrayBuffer>,
): void {
  if (name === "" || name.includes("\0")) {
    throw dataLoss(`extended attribute has a malformed name "${name}"`);
  }
  (records.xattrs ??= new Map()).set(name, value);
}

function applySparse(sparse: PaxSparse, key: string, value: Uint8Array): void {
  switch (key) {
    case "major":
      sparse.major = count(value);
      return;
    case "minor":
      sparse.minor = count(value);
      return;
    case "name":
      sparse.name = text(value);
      return;
    case "size":
    case "realsize":
      sparse.realSize = count(value);
      return;
    case "offset":
    case "numbytes":
      return addNumber(sparse, key, count(value));
    case "map":
      sparse.numbers = text(value).split(",").map(parseDecimal);
      return;
  }
}

function addNumber(
  sparse: PaxSparse,
  key: "offset" | "numbytes",
  value: number,
): void {
  const numbers = sparse.numbers ??= [];
  if ((numbers.length % 2 === 0) !== (key === "offset")) {
    throw dataLoss("a sparse map's offsets and lengths don't alternate");
  }
  numbers.push(value);
}

function text(value: Uint8Array): string {
  if (value.includes(0)) {
    throw dataLoss("an extended header has a NUL in a string");
  }
  return decodePath(value);
}

function count(value: Uint8Array): number {
  return parseDecimal(decodePath(value));
}

/** @throws {EngineError} `dataLoss` if it is no safe integer from 0 on */
export function parseDecimal(digits: string): number {
  const value = /^[0-9]{1,20}$/.test(digits) ? Number(digits) : NaN;
  if (!Number.isSafeInteger(value)) {
    throw dataLoss(`number "${digits}" is malformed`);
  }
  return value;
}

const MINUS = 0x2d;
const DOT = 0x2e;

/** `-1.25` is 1.25 seconds before 1970: sec -2, nsec 750,000,000. */
function time(value: Uint8Array): TarTime {
  const isNegative = value[0] === MINUS;
  const dot = value.indexOf(DOT);
  const end = dot < 0 ? value.length : dot;
  const sec = decimalAt(value, isNegative ? 1 : 0, end);
  const nsec = dot < 0 ? 0 : nanoseconds(value, dot + 1);
  if (Number.isNaN(sec + nsec)) {
    throw dataLoss(`time "${decodePath(value)}" is malformed`);
  }
  if (!isNegative) return { sec, nsec };
  return nsec === 0
    ? { sec: 0 - sec, nsec }
    : { sec: -sec - 1, nsec: 1e9 - nsec };
}

/** Nine digits of a fraction; what is finer is dropped. */
function nanoseconds(value: Uint8Array, from: number): number {
  const end = Math.min(value.length, from + 9);
  const digits = from === end ? 0 : decimalAt(value, from, end);
  for (let at = end; at < value.length; at++) {
    if (Number.isNaN(decimalAt(value, at, at + 1))) return NaN;
  }
  return digits * 10 ** (9 - (end - from));
}

function percentDecode(name: string): string {
  return name.replace(
    /%([0-9A-Fa-f]{2})/g,
    (_, hex: string) => String.fromCharCode(parseInt(hex, 16)),
  );
}

function base64(value: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(value), (char) => char.charCodeAt(0));
  } catch (cause) {
    throw dataLoss("an extended attribute is no base64", { cause });
  }
}
