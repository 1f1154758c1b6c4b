/**
 * Builds tar archives field by field, so that tests can make what no honest
 * program would.
 */

import { encodePath } from "../../src/base/path_bytes.ts";

export interface RawEntry {
  readonly name?: string | Uint8Array;
  /** Type flag: `0` file, `1` hard link, `2` symlink, `5` directory, … */
  readonly flag?: string;
  readonly link?: string;
  readonly data?: string | Uint8Array;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly major?: number;
  readonly minor?: number;
  readonly prefix?: string;
  /** Instead of `ustar\0` `00`. */
  readonly magic?: string;
  /** Raw bytes at offsets of the header; the checksum counts them. */
  readonly patch?: Readonly<Record<number, string | Uint8Array>>;
  /** The size field, where it isn't the data's. */
  readonly claimedSize?: number;
  /** Added to the right checksum. */
  readonly checksumError?: number;
}

/** Entries as blocks, without an end. */
export function rawEntries(
  ...entries: readonly RawEntry[]
): Uint8Array<ArrayBuffer> {
  return joinBytes(entries.flatMap((entry) => {
    const data = bytesOf(entry.data ?? "");
    const padding = new Uint8Array((512 - data.length % 512) % 512);
    return [rawHeader(entry, data.length), data, padding];
  }));
}

/** A whole archive. */
export function rawTar(
  ...entries: readonly RawEntry[]
): Uint8Array<ArrayBuffer> {
  return joinBytes([rawEntries(...entries), new Uint8Array(1024)]);
}

/** A pax header (`x`, or `g` for all that follow) with these records. */
export function rawPax(
  records: Readonly<Record<string, string | Uint8Array>> | [
    string,
    string | Uint8Array,
  ][],
  flag: "x" | "g" = "x",
): RawEntry {
  const pairs = Array.isArray(records) ? records : Object.entries(records);
  const data = joinBytes(pairs.map(([key, value]) => {
    const rest = joinBytes([` ${key}=`, value, "\n"]);
    let length = rest.length + 1;
    while (`${length}`.length + rest.length !== length) length++;
    return joinBytes([`${length}`, rest]);
  }));
  return { name: "PaxHeaders/x", flag, data };
}

export function joinBytes(
  parts: readonly (string | Uint8Array)[],
): Uint8Array<ArrayBuffer> {
  const all = parts.map(bytesOf);
  const whole = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === "string" ? encodePath(value) : value;
}

function rawHeader(entry: RawEntry, dataSize: number): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(512);
  const put = (at: number, value: string | Uint8Array) =>
    block.set(bytesOf(value), at);
  const octal = (at: number, digits: number, value: number) =>
    put(at, value.toString(8).padStart(digits, "0"));
  put(0, bytesOf(entry.name ?? "file").subarray(0, 100));
  octal(100, 7, entry.mode ?? (entry.flag === "5" ? 0o755 : 0o644));
  octal(108, 7, entry.uid ?? 0);
  octal(116, 7, entry.gid ?? 0);
  octal(124, 11, entry.claimedSize ?? dataSize);
  octal(136, 11, entry.mtime ?? 1_700_000_000);
  put(156, entry.flag ?? "0");
  put(157, bytesOf(entry.link ?? "").subarray(0, 100));
  put(257, entry.magic ?? "ustar\x0000");
  octal(329, 7, entry.major ?? 0);
  octal(337, 7, entry.minor ?? 0);
  put(345, entry.prefix ?? "");
  for (const [at, value] of Object.entries(entry.patch ?? {})) {
    put(Number(at), value);
  }
  block.fill(0x20, 148, 156);
  const sum = block.reduce((sum, byte) => sum + byte, 0);
  octal(148, 6, sum + (entry.checksumError ?? 0));
  block[154] = 0;
  return block;
}
