/**
 * File names are bytes to the kernel and strings to us. A byte that is not
 * part of valid UTF-8 stands in the string as a lone surrogate, U+DC80 to
 * U+DCFF, as in Python's `surrogateescape`, so that every name survives the way
 * from an archive to the disk and back.
 *
 * A name with such an escape only means something to callers that encode it
 * with `encodePath`; everything else turns it into U+FFFD.
 */

const ESCAPE = 0xdc00;
const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What `bytes` from `start` to `end` spell; any bytes will do. */
export function decodePath(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): string {
  const part = bytes.subarray(start, end);
  if (part.length <= 256 && isAscii(part)) {
    return String.fromCharCode.apply(null, part as unknown as number[]);
  }
  try {
    return strict.decode(part);
  } catch {
    return decodeEscaped(part);
  }
}

/** The bytes of a name that `decodePath` gave, or of any ordinary string. */
export function encodePath(text: string): Uint8Array<ArrayBuffer> {
  return text.isWellFormed() ? encoder.encode(text) : encodeEscaped(text);
}

/** As `encodePath`, followed by a NUL, as system calls want it. */
export function encodePathZ(text: string): Uint8Array<ArrayBuffer> {
  return encodePath(text + "\0");
}

function isAscii(bytes: Uint8Array): boolean {
  let all = 0;
  for (let i = 0; i < bytes.length; i++) all |= bytes[i] as number;
  return all < 0x80;
}

function decodeEscaped(bytes: Uint8Array): string {
  let text = "";
  let start = 0;
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    text += strict.decode(bytes.subarray(start, at)) +
      String.fromCharCode(ESCAPE + (bytes[at] ?? 0));
    start = ++at;
  }
  return text + strict.decode(bytes.subarray(start));
}

/** Bytes of the valid UTF-8 sequence at `at`; 0 if there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  try {
    strict.decode(bytes.subarray(at, at + length));
  } catch {
    return 0;
  }
  return at + length <= bytes.length ? length : 0;
}

function encodeEscaped(text: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (const char of text) {
    const code = char.charCodeAt(0);
    if (char.length === 1 && code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff) {
      bytes.push(code - ESCAPE);
    } else {
      bytes.push(...encoder.encode(char));
    }
  }
  return new Uint8Array(bytes);
}
