/** The value of a quoted string and the position behind its closing quote. */
export interface ScannedQuote {
  readonly value: string;
  readonly end: number;
}

const SIMPLE: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/** Length of the digits after `\x`, `\u`, `\U`. */
const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/**
 * Reads a string in Go's syntax that starts with its quote at `start`.
 * In `/…/` and `|…|`, which hold regular expressions, a backslash stays what
 * it is, except before the quote itself.
 *
 * @returns undefined if it is malformed or has no end
 * @see Go language specification, "String literals"
 */
export function scanQuoted(
  text: string,
  start: number,
): ScannedQuote | undefined {
  const quote = text.charAt(start);
  const isPattern = quote === "/" || quote === "|";
  let bytes: number[] = [];
  let value = "";
  const flush = () => {
    if (bytes.length > 0) value += decode(bytes);
    bytes = [];
  };
  for (let at = start + 1; at < text.length;) {
    const character = text.charAt(at);
    if (character === quote) {
      flush();
      return { value, end: at + 1 };
    }
    if (character === "\n") return undefined;
    if (character !== "\\" || (isPattern && text.charAt(at + 1) !== quote)) {
      flush();
      // An escaped backslash must not hide the quote behind it.
      const length = character === "\\" ? 2 : 1;
      value += text.slice(at, at + length);
      at += length;
      continue;
    }
    const escape = isPattern
      ? { text: quote, length: 2 }
      : readEscape(text, at + 1);
    if (escape === undefined) return undefined;
    if (escape.text === undefined) bytes.push(escape.byte);
    else {
      flush();
      value += escape.text;
    }
    at += escape.length;
  }
  return undefined;
}

type Escape =
  | { readonly text: string; readonly length: number }
  | {
    readonly text?: undefined;
    readonly byte: number;
    readonly length: number;
  };

/** @param at position behind the backslash */
function readEscape(text: string, at: number): Escape | undefined {
  const kind = text.charAt(at);
  const simple = SIMPLE[kind];
  if (simple !== undefined) return { text: simple, length: 2 };
  const octal = /^[0-3][0-7]{2}/.exec(text.slice(at, at + 3))?.[0];
  if (octal !== undefined) return { byte: parseInt(octal, 8), length: 4 };
  const digits = HEX_DIGITS[kind];
  if (digits === undefined) return undefined;
  const hex = text.slice(at + 1, at + 1 + digits);
  if (hex.length !== digits || !/^[0-9a-fA-F]+$/.test(hex)) return undefined;
  const code = parseInt(hex, 16);
  if (kind === "x") return { byte: code, length: 2 + digits };
  if (code > 0x10ffff) return undefined;
  return { text: String.fromCodePoint(code), length: 2 + digits };
}

/** Bytes written as `\xNN` are UTF-8 together. */
function decode(bytes: readonly number[]): string {
  return new TextDecoder().decode(new Uint8Array(bytes));
}
