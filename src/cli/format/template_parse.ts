/**
 * The part of Go's text/template that `--format` needs, as a tree.
 *
 * `{{.Field}}` · `{{.A.B}}` · `{{.Method a b}}` · `$`, `$x` · `{{$x := …}}` · literals ·
 * `{{f a b}}`, `{{a | f}}`, `(f a)` · `if`/`else if`/`else`, `range`, `with`,
 * `end` · comments · `{{-` and `-}}` trim.
 */

import { EngineError, invalidArgument } from "../../base/errors.ts";

export interface FieldExpression {
  readonly kind: "field";
  readonly of: Expression;
  readonly name: string;
}

export type Expression =
  | { readonly kind: "literal"; readonly value: unknown }
  | FieldExpression
  | {
    readonly kind: "method";
    readonly field: FieldExpression;
    readonly args: readonly Expression[];
  }
  | { readonly kind: "dot" }
  | { readonly kind: "variable"; readonly name: string }
  | {
    readonly kind: "call";
    readonly name: string;
    readonly args: readonly Expression[];
  };

export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly value: Expression }
  | {
    readonly kind: "set";
    readonly name: string;
    readonly value: Expression;
  }
  | {
    readonly kind: "if" | "with";
    readonly value: Expression;
    readonly body: readonly TemplateNode[];
    readonly otherwise: readonly TemplateNode[];
  }
  | {
    readonly kind: "range";
    readonly value: Expression;
    /** `$k, $v :=`, or `$v :=`. */
    readonly variables: readonly string[];
    readonly body: readonly TemplateNode[];
    readonly otherwise: readonly TemplateNode[];
  };

/** @throws {EngineError} `invalidArgument` */
export function parseTemplate(source: string): readonly TemplateNode[] {
  const parser = new Parser(splitActions(source), source);
  const nodes = parser.block();
  parser.expectEnd();
  return nodes;
}

type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly tokens: readonly string[] };

const ACTION =
  /\{\{(-(?=\s))?((?:"(?:\\.|[^"\\])*"|`[^`]*`|\/\*[\s\S]*?\*\/|(?!\}\})[^"`])*?)(\s-)?\}\}/y;

function splitActions(source: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  const addText = (text: string) => {
    const trimmed = trimNext ? text.trimStart() : text;
    if (trimmed !== "") pieces.push({ kind: "text", text: trimmed });
  };
  while (at < source.length) {
    const open = source.indexOf("{{", at);
    if (open < 0) break;
    ACTION.lastIndex = open;
    const match = ACTION.exec(source);
    if (match === null) throw malformed(source, "unclosed action");
    const before = source.slice(at, open);
    addText(match[1] === undefined ? before : before.trimEnd());
    trimNext = match[3] !== undefined;
    at = ACTION.lastIndex;
    const inner = match[2]?.trim() ?? "";
    if (inner.startsWith("/*")) continue;
    pieces.push({ kind: "action", tokens: tokens(inner, source) });
  }
  addText(source.slice(at));
  return pieces;
}

const TOKEN = /\s*("(?:\\.|[^"\\])*"|`[^`]*`|:=|[(),|]|[^\s"`(),|=:]+|\S)/y;

function tokens(action: string, source: string): string[] {
  const found: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < action.length) {
    const match = TOKEN.exec(action);
    if (match?.[1] === undefined) break;
    found.push(match[1]);
  }
  if (found.length === 0) throw malformed(source, "missing value for command");
  return found;
}

function malformed(source: string, why: string): EngineError {
  return invalidArgument(`Cannot parse template "${source}": ${why}`, {
    hint: "It is a Go template, for instance '{{.ID}} {{json .Labels}}'",
  });
}

class Parser {
  readonly #pieces: readonly Piece[];
  readonly #source: string;
  #next = 0;

  constructor(pieces: readonly Piece[], source: string) {
    this.#pieces = pieces;
    this.#source = source;
  }

  /** Nodes up to `end`, `else` or the end of the template. */
  block(): TemplateNode[] {
    const nodes: TemplateNode[] = [];
    for (;;) {
      const piece = this.#pieces[this.#next];
      if (piece === undefined) return nodes;
      if (piece.kind === "text") {
        nodes.push(piece);
        this.#next++;
        continue;
      }
      const [word] = piece.tokens;
      if (word === "end" || word === "else") return nodes;
      this.#next++;
      nodes.push(this.#action(piece.tokens));
    }
  }

  expectEnd(): void {
    const piece = this.#pieces[this.#next];
    if (piece?.kind === "action") {
      throw malformed(this.#source, `unexpected ${piece.tokens[0]}`);
    }
  }

  #action(tokens: readonly string[]): TemplateNode {
    const [word, ...rest] = tokens;
    switch (word) {
      case "if":
      case "with": {
        const value = this.#pipeline(rest);
        return { kind: word, value, ...this.#bodies(word) };
      }
      case "range": {
        const assign = rest.indexOf(":=");
        const variables = rest.slice(0, Math.max(0, assign))
          .filter((token) => token !== ",").map((token) => token.slice(1));
        const value = this.#pipeline(rest.slice(assign + 1));
        return { kind: "range", value, variables, ...this.#bodies(word) };
      }
      default:
        if (tokens[1] === ":=" && word?.startsWith("$")) {
          const value = this.#pipeline(tokens.slice(2));
          return { kind: "set", name: word.slice(1), value };
        }
        return { kind: "print", value: this.#pipeline(tokens) };
    }
  }

  #bodies(word: string) {
    const body = this.block();
    const [closing, after, ...rest] = this.#closing(word);
    if (closing === "end") return { body, otherwise: [] };
    if (after === undefined) {
      const otherwise = this.block();
      if (this.#closing(word)[0] !== "end") {
        throw malformed(this.#source, `unexpected else in ${word}`);
      }
      return { body, otherwise };
    }
    // `else if …` is an `if` inside the else that shares its `end`.
    return { body, otherwise: [this.#action([after, ...rest])] };
  }

  #closing(word: string): readonly string[] {
    const piece = this.#pieces[this.#next++];
    if (piece?.kind === "action") return piece.tokens;
    throw malformed(this.#source, `${word} without end`);
  }

  #pipeline(tokens: readonly string[]): Expression {
    const parser = new PipelineParser(tokens, this.#source);
    const value = parser.pipeline();
    parser.expectEnd();
    return value;
  }
}

class PipelineParser {
  readonly #tokens: readonly string[];
  readonly #source: string;
  #next = 0;

  constructor(tokens: readonly string[], source: string) {
    this.#tokens = tokens;
    this.#source = source;
  }

  pipeline(): Expression {
    let value = this.#command();
    while (this.#tokens[this.#next] === "|") {
      this.#next++;
      value = this.#command(value);
    }
    return value;
  }

  expectEnd(): void {
    const token = this.#tokens[this.#next];
    if (token !== undefined) {
      throw malformed(this.#source, `unexpected "${token}"`);
    }
  }

  #command(piped?: Expression): Expression {
    const operands: Expression[] = [];
    const name = this.#functionName();
    for (;;) {
      const token = this.#tokens[this.#next];
      if (token === undefined || token === "|" || token === ")") break;
      operands.push(this.#operand());
    }
    if (piped !== undefined) operands.push(piped);
    if (name !== undefined) return { kind: "call", name, args: operands };
    const [only, ...args] = operands;
    if (only?.kind === "field" && args.length > 0) {
      return { kind: "method", field: only, args };
    }
    if (only === undefined || args.length > 0) {
      throw malformed(
        this.#source,
        only === undefined ? "missing value for command" : "not a function",
      );
    }
    return only;
  }

  #functionName(): string | undefined {
    const token = this.#tokens[this.#next] ?? "";
    if (!/^[A-Za-z_]\w*$/.test(token) || token in CONSTANTS) return undefined;
    this.#next++;
    return token;
  }

  #operand(): Expression {
    const token = this.#tokens[this.#next++] ?? "";
    if (token === "(") {
      const inner = this.pipeline();
      if (this.#tokens[this.#next++] !== ")") {
        throw malformed(this.#source, "unclosed parenthesis");
      }
      const after = this.#tokens[this.#next];
      if (after?.startsWith(".") !== true || after === ".") return inner;
      this.#next++;
      return fields(inner, after.slice(1), this.#source);
    }
    if (token === ".") return { kind: "dot" };
    if (token.startsWith(".")) {
      return fields({ kind: "dot" }, token.slice(1), this.#source);
    }
    if (token.startsWith("$")) {
      const [name = "", ...path] = token.slice(1).split(".");
      const variable: Expression = { kind: "variable", name };
      return path.length === 0
        ? variable
        : fields(variable, path.join("."), this.#source);
    }
    if (/^[A-Za-z_]\w*$/.test(token) && !(token in CONSTANTS)) {
      return { kind: "call", name: token, args: [] };
    }
    return { kind: "literal", value: literal(token, this.#source) };
  }
}

const CONSTANTS: Readonly<Record<string, unknown>> = {
  true: true,
  false: false,
  nil: null,
};

function literal(token: string, source: string): unknown {
  if (token in CONSTANTS) return CONSTANTS[token];
  if (token.startsWith("`")) return token.slice(1, -1);
  if (token.startsWith('"')) {
    try {
      // `\n` from a shell's single quotes may have become a line feed already.
      return JSON.parse(token.replaceAll("\n", "\\n").replaceAll("\t", "\\t"));
    } catch (cause) {
      throw EngineError.from(cause, "invalidArgument");
    }
  }
  if (/^[+-]?\d+(?:\.\d+)?$/.test(token)) return Number(token);
  throw malformed(source, `unexpected "${token}"`);
}

function fields(of: Expression, path: string, source: string): Expression {
  return path.split(".").reduce<Expression>((inner, name) => {
    if (!/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name)) {
      throw malformed(source, `bad field name "${name}"`);
    }
    return { kind: "field", of: inner, name };
  }, of);
}
