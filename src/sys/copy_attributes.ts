import { ERRNO, SysError } from "./errno.ts";
import { errno, hotSymbols } from "./libc.ts";
import { type ByteString, cpath, textOf } from "./entry.ts";

const symbols = hotSymbols({
  llistxattr: { parameters: ["buffer", "buffer", "usize"], result: "i64" },
  lgetxattr: {
    parameters: ["buffer", "buffer", "buffer", "usize"],
    result: "i64",
  },
  lsetxattr: {
    parameters: ["buffer", "buffer", "buffer", "usize", "i32"],
    result: "i32",
  },
});

/** Copies extended attributes; those of a link, not of what it points to. */
export function copyAttributes(source: ByteString, target: ByteString): void {
  const from = cpath(source);
  const list = sized((buffer) =>
    symbols().llistxattr(from, buffer, BigInt(buffer?.length ?? 0))
  );
  if (typeof list === "number") {
    if (list === ERRNO.EOPNOTSUPP) return;
    throw new SysError("list attributes of", list, textOf(source));
  }
  if (list.length === 0) return;
  const to = cpath(target);
  for (const name of namesIn(list)) {
    copyAttribute({ name, from, to, target });
  }
}

/**
 * Asks for the size, then for the value, until both fit.
 * @returns an error number if the call failed
 */
function sized(
  read: (buffer: Uint8Array<ArrayBuffer> | null) => bigint,
): Uint8Array<ArrayBuffer> | number {
  for (;;) {
    const size = Number(read(null));
    if (size < 0) return errno();
    const value = new Uint8Array(size);
    if (size === 0) return value;
    const length = Number(read(value));
    if (length >= 0) return value.subarray(0, length);
    const code = errno();
    // It grew between the two calls.
    if (code !== ERRNO.ERANGE) return code;
  }
}

/** Splits at the NUL bytes and keeps them, as the calls want them. */
function* namesIn(
  list: Uint8Array<ArrayBuffer>,
): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < list.length;) {
    const end = list.indexOf(0, at) + 1;
    yield list.slice(at, end);
    at = end;
  }
}

interface Attribute {
  readonly name: Uint8Array<ArrayBuffer>;
  readonly from: Uint8Array<ArrayBuffer>;
  readonly to: Uint8Array<ArrayBuffer>;
  readonly target: ByteString;
}

function copyAttribute({ name, from, to, target }: Attribute): void {
  const value = sized((buffer) =>
    symbols().lgetxattr(from, name, buffer, BigInt(buffer?.length ?? 0))
  );
  const code = typeof value === "number"
    ? value
    : symbols().lsetxattr(to, name, value, BigInt(value.length), 0) === 0
    ? 0
    : errno();
  if (code === 0 || code === ERRNO.ENODATA) return;
  throw new SysError(
    "copy attribute to",
    code,
    textOf(target),
    new TextDecoder().decode(name.subarray(0, -1)),
  );
}
