/** On which line of a TOML file a key stands, which the parser doesn't tell. */

/** Line (from 1) of a key or a table by its path; undefined if it is nowhere. */
export type KeyLines = (path: readonly string[]) => number | undefined;

/**
 * @param text a TOML file that the parser has accepted
 * @returns for a key within a value, the line on which the value begins
 */
export function keyLines(text: string): KeyLines {
  const lines = new Map<string, number>();
  const value = new ValueEnd();
  let table: readonly string[] = [];
  text.split("\n").forEach((line, index) => {
    if (value.isOpen) return value.read(line);
    const [, header] = /^\s*\[\[?([^#]*?)\]\]?\s*(?:#.*)?$/.exec(line) ?? [];
    if (header !== undefined) {
      table = parseKey(header).path;
      note(lines, table, index + 1);
      return;
    }
    const { path, rest } = parseKey(line);
    if (path.length === 0 || !rest.startsWith("=")) return;
    note(lines, [...table, ...path], index + 1);
    value.read(rest.slice(1));
  });
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const found = lines.get(nameOf(path.slice(0, length)));
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/** The first line counts, also for tables that are only implied. */
function note(
  lines: Map<string, number>,
  path: readonly string[],
  line: number,
): void {
  for (let length = path.length; length > 0; length--) {
    const name = nameOf(path.slice(0, length));
    if (!lines.has(name)) lines.set(name, line);
  }
}

function nameOf(path: readonly string[]): string {
  return path.join("\0");
}

const KEY_PART = /^\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*/;

/** `a."b.c" = …` → its parts, and what follows them. */
function parseKey(
  text: string,
): { readonly path: readonly string[]; readonly rest: string } {
  const path: string[] = [];
  let rest = text;
  for (;;) {
    const match = KEY_PART.exec(rest);
    if (match === null) return { path: [], rest };
    const [all, basic, literal, bare] = match;
    path.push(basic === undefined ? literal ?? bare ?? "" : unescape(basic));
    rest = rest.slice(all.length);
    if (!rest.startsWith(".")) return { path, rest };
    rest = rest.slice(1);
  }
}

/** Keys with other escapes than of quotes are not worth a line number. */
function unescape(text: string): string {
  return text.replace(/\\(["\\])/g, "$1");
}

/** Follows a value over its lines: lists and long strings have several. */
class ValueEnd {
  #depth = 0;
  #quotes = "";

  get isOpen(): boolean {
    return this.#depth > 0 || this.#quotes.length === 3;
  }

  /** @param line what remains of a line */
  read(line: string): void {
    let at = 0;
    while (at < line.length) at += this.#step(line.slice(at));
    // A short string ends with its line.
    if (this.#quotes.length === 1) this.#quotes = "";
  }

  /** @returns how many characters it has read */
  #step(text: string): number {
    if (this.#quotes !== "") {
      if (this.#quotes.startsWith('"') && text.startsWith("\\")) return 2;
      if (!text.startsWith(this.#quotes)) return 1;
      const { length } = this.#quotes;
      this.#quotes = "";
      return length;
    }
    const [opening] = /^("""|'''|"|')/.exec(text) ?? [];
    if (opening !== undefined) {
      this.#quotes = opening;
      return opening.length;
    }
    if (text.startsWith("#")) return text.length;
    if ("[{".includes(text.charAt(0))) this.#depth++;
    else if ("]}".includes(text.charAt(0))) this.#depth--;
    return 1;
  }
}
