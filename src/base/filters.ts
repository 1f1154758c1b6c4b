/**
 * containerd's filter language.
 *
 * ```
 * selectors := selector ("," selector)*
 * selector  := fieldpath (operator value)?
 * fieldpath := field ("." field)*
 * field     := quoted | [A-Za-z0-9_]+
 * operator  := "==" | "!=" | "~="
 * value     := quoted | [^\s,]+
 * quoted    := Go string, "…" or '…'; after ~= also /…/ or |…|
 * ```
 *
 * More lenient than containerd in one point: after == and != a bare value may
 * begin with a slash, as topics do.
 *
 * Selectors joined by commas must all match; of several filters one must.
 * White space between tokens is allowed. A field without an operator asks
 * whether the object has it.
 *
 * @see containerd, package filters
 */

import { type EngineError, invalidArgument } from "./errors.ts";
import { scanQuoted } from "./filters_quote.ts";

/**
 * Gives an object's value at a field path, `["labels", "a.b"]` for instance;
 * undefined if it has none.
 */
export type FieldReader = (path: readonly string[]) => string | undefined;

export type Filter = (read: FieldReader) => boolean;

/**
 * Parses filters of which one must match. None at all match everything, as
 * does an empty one.
 *
 * @throws {EngineError} `invalidArgument` with the place of the error
 */
export function parseFilters(filters: readonly string[] = []): Filter {
  if (filters.length === 0) return () => true;
  const parsed = filters.map(parseFilter);
  return (read) => parsed.some((filter) => filter(read));
}

/**
 * The value of a label: what follows `labels` in the path, joined by dots, so
 * that `labels.a.b` and `labels."a.b"` are the same label.
 */
export function labelField(
  labels: Readonly<Record<string, string>>,
  path: readonly string[],
): string | undefined {
  const key = path.join(".");
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function parseFilter(text: string): Filter {
  if (text === "") return () => true;
  const selectors = new Parser(text).selectors();
  return (read) => selectors.every((selector) => selector(read));
}

type Operator = "==" | "!=" | "~=";
const OPERATORS: readonly string[] = ["==", "!=", "~="] satisfies Operator[];

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  selectors(): Filter[] {
    const selectors = [this.#selector()];
    while (!this.#atEnd()) {
      if (!this.#take(",")) throw this.#error("unexpected input");
      selectors.push(this.#selector());
    }
    return selectors;
  }

  #selector(): Filter {
    const path = [this.#field()];
    while (this.#take(".")) path.push(this.#field());
    if (this.#atEnd() || this.#peek() === ",") {
      return (read) => read(path) !== undefined;
    }
    const operator = this.#operator();
    const start = this.#at;
    const value = this.#value(operator);
    switch (operator) {
      case "==":
        return (read) => read(path) === value;
      case "!=":
        return (read) => (read(path) ?? "") !== value;
      case "~=": {
        const pattern = this.#regExp(value, start);
        return (read) => pattern.test(read(path) ?? "");
      }
      default:
        return operator satisfies never;
    }
  }

  #field(): string {
    this.#skipSpace();
    const quote = this.#text[this.#at];
    if (quote === '"' || quote === "'") return this.#quoted();
    const match = this.#match(/[A-Za-z0-9_]+/y);
    if (match === undefined) throw this.#error("expected a field");
    return match;
  }

  #operator(): Operator {
    this.#skipSpace();
    const start = this.#at;
    const match = this.#match(/[=!~]+/y);
    if (match !== undefined && OPERATORS.includes(match)) {
      return match as Operator;
    }
    this.#at = start;
    throw this.#error('expected an operator ("==", "!=" or "~=")');
  }

  #value(operator: Operator): string {
    this.#skipSpace();
    const quotes = operator === "~=" ? `"'/|` : `"'`;
    const first = this.#text[this.#at];
    if (first !== undefined && quotes.includes(first)) return this.#quoted();
    const match = this.#match(/[^\s,]+/y);
    if (match === undefined) throw this.#error("expected a value");
    return match;
  }

  #quoted(): string {
    const start = this.#at;
    const scanned = scanQuoted(this.#text, start);
    if (scanned === undefined) {
      throw this.#error("a quoted string is malformed or has no end");
    }
    this.#at = scanned.end;
    return scanned.value;
  }

  #regExp(source: string, start: number): RegExp {
    // Go writes flags inside the pattern, JavaScript beside it.
    const [, flags = "", rest = source] = /^\(\?([ims]+)\)(.*)$/s
      .exec(source) ?? [];
    try {
      return new RegExp(rest, flags);
    } catch (cause) {
      this.#at = start;
      throw this.#error("not a regular expression", cause);
    }
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text)?.[0];
    this.#at += match?.length ?? 0;
    return match;
  }

  #peek(): string | undefined {
    this.#skipSpace();
    return this.#text[this.#at];
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }

  #atEnd(): boolean {
    return this.#peek() === undefined;
  }

  #skipSpace(): void {
    this.#match(/\s*/y);
  }

  #error(problem: string, cause?: unknown): EngineError {
    return invalidArgument(
      `Cannot parse filter "${this.#text}" at position ${this.#at}: ${problem}`,
      cause === undefined ? {} : { cause },
    );
  }
}
