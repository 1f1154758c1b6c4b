import { decodePath, encodePathZ } from "../base/path_bytes.ts";
import { ERRNO, SysError } from "./errno.ts";
import { errno, hotSymbols } from "./libc.ts";

const symbols = hotSymbols({
  llistxattr: { parameters: ["buffer", "buffer", "usize"], result: "i64" },
  lgetxattr: {
    parameters: ["buffer", "buffer", "buffer", "usize"],
    result: "i64",
  },
});

export type Attributes = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** The most that the kernel hands out, of a list or a value. */
const MAX_BYTES = 65_536;
const SMALL_BYTES = 1024;
const NONE: Attributes = new Map();

/**
 * All extended attributes that we may see, symlinks not followed.
 * @param subject the file, for messages
 * @throws {SysError}
 */
export function readAttributes(path: string, subject: string): Attributes {
  const at = encodePathZ(path);
  const list = sized((buffer) =>
    symbols().llistxattr(at, buffer, BigInt(buffer.length))
  );
  if (typeof list === "number") {
    if (isNothing(list)) return NONE;
    throw new SysError("list extended attributes of", list, subject);
  }
  if (list.length === 0) return NONE;
  const attributes = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const name of decodePath(list).split("\0")) {
    if (name === "") continue;
    const key = encodePathZ(name);
    const value = sized((buffer) =>
      symbols().lgetxattr(at, key, buffer, BigInt(buffer.length))
    );
    if (typeof value !== "number") attributes.set(name, value);
    else if (!isNothing(value)) {
      throw new SysError(`read extended attribute ${name} of`, value, subject);
    }
  }
  return attributes;
}

/** @returns an error number if it fails */
function sized(
  call: (buffer: Uint8Array<ArrayBuffer>) => bigint,
): Uint8Array<ArrayBuffer> | number {
  for (const size of [SMALL_BYTES, MAX_BYTES]) {
    const buffer = new Uint8Array(size);
    const length = Number(call(buffer));
    if (length >= 0) return buffer.slice(0, length);
    const code = errno();
    if (code !== ERRNO.ERANGE) return code;
  }
  return ERRNO.ERANGE;
}

/** Gone meanwhile, or never to be had. */
function isNothing(code: number): boolean {
  return code === ERRNO.EOPNOTSUPP || code === ERRNO.ENODATA ||
    code === ERRNO.ENOENT;
}
