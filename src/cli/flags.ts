/** The flags of a command line: scanned by pflag's rules, read by name. */

import { internal } from "../base/errors.ts";
import type { Flags, FlagSpec } from "./command.ts";
import { nearest } from "./suggest.ts";

/** The command line is wrong. Docker's wording, exit code 125. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly exitCode: number;
  /** What was perhaps meant. */
  readonly hint: string | undefined;

  constructor(
    message: string,
    options: { readonly exitCode?: number; readonly hint?: string } = {},
  ) {
    super(message);
    this.exitCode = options.exitCode ?? 125;
    this.hint = options.hint;
  }
}

type FlagValue = boolean | string | number | readonly string[];

/** Values by flag name, with the defaults of their declarations. */
export class FlagValues implements Flags {
  readonly #declared: ReadonlyMap<string, FlagSpec>;
  readonly #values = new Map<string, FlagValue>();

  constructor(declared: readonly FlagSpec[]) {
    this.#declared = new Map(declared.map((spec) => [spec.name, spec]));
  }

  boolean(name: string): boolean {
    return (this.#get(name, "boolean") as boolean | undefined) ?? false;
  }

  string(name: string): string | undefined {
    return this.#get(name, "string") as string | undefined;
  }

  number(name: string): number | undefined {
    return this.#get(name, "number") as number | undefined;
  }

  list(name: string): readonly string[] {
    return (this.#get(name, "list") as readonly string[] | undefined) ?? [];
  }

  given(name: string): boolean {
    return this.#values.has(name);
  }

  declares(name: string): boolean {
    return this.#declared.has(name);
  }

  /** @throws {UsageError} if `text` is no value of the flag */
  set(spec: FlagSpec, text: string): void {
    const value = parseValue(spec, text);
    if (spec.kind !== "list") {
      this.#values.set(spec.name, value);
      return;
    }
    const before = (this.#values.get(spec.name) ?? []) as readonly string[];
    this.#values.set(spec.name, [...before, text]);
  }

  #get(name: string, kind: FlagSpec["kind"]): FlagValue | undefined {
    const spec = this.#declared.get(name);
    if (spec?.kind !== kind) {
      throw internal(`Cannot read flag "${name}": not declared as ${kind}`);
    }
    return this.#values.get(name) ??
      ("default" in spec ? spec.default : undefined);
  }
}

function parseValue(spec: FlagSpec, text: string): FlagValue {
  switch (spec.kind) {
    case "boolean":
      return parseBoolean(spec, text);
    case "number":
      return parseNumber(spec, text);
    case "string":
      if (spec.choices !== undefined && !spec.choices.includes(text)) {
        const choices = spec.choices.map((choice) => `"${choice}"`).join(", ");
        throw wrongValue(spec, text, `must be one of ${choices}`);
      }
      return text;
    case "list":
      return [text];
    default:
      return spec satisfies never;
  }
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  "1": true,
  "t": true,
  "true": true,
  "0": false,
  "f": false,
  "false": false,
};

function parseBoolean(spec: FlagSpec, text: string): boolean {
  const value = BOOLEANS[text.toLowerCase()];
  if (value === undefined) {
    throw wrongValue(spec, text, "neither true nor false");
  }
  return value;
}

function parseNumber(
  spec: FlagSpec & { kind: "number" },
  text: string,
): number {
  const whole = spec.shape !== "decimal";
  const pattern = whole ? /^[+-]?\d+$/ : /^[+-]?(?:\d+\.?\d*|\.\d+)$/;
  if (!pattern.test(text) || !Number.isFinite(Number(text))) {
    throw wrongValue(spec, text, whole ? "not a whole number" : "not a number");
  }
  return Number(text);
}

function wrongValue(spec: FlagSpec, text: string, why: string): UsageError {
  const name = spec.short === undefined
    ? `--${spec.name}`
    : `-${spec.short}, --${spec.name}`;
  return new UsageError(
    `invalid argument "${text}" for "${name}" flag: ${why}`,
  );
}

/** Receives each flag; what it throws ends the scan. */
export type OnFlag = (spec: FlagSpec, text: string) => void;

interface ScanOptions {
  /** `first`: the first positional ends the flags. */
  readonly order: "mixed" | "first";
}

/**
 * Splits `argv` into flags, given to `onFlag`, and positionals, returned.
 * Takes `--name value`, `--name=value`, `-n value`, `-nvalue`, `-n=value`,
 * `-abc`, `--no-NAME` of a boolean, and `--` to end the flags.
 *
 * @throws {UsageError}
 */
export function scanFlags(
  argv: readonly string[],
  declared: readonly FlagSpec[],
  { order }: ScanOptions,
  onFlag: OnFlag,
): readonly string[] {
  const positionals: string[] = [];
  let index = 0;
  const next = () => argv[index++];
  while (index < argv.length) {
    const arg = next() ?? "";
    if (arg === "--") return [...positionals, ...argv.slice(index)];
    if (arg.length < 2 || !arg.startsWith("-")) {
      if (order === "first") return argv.slice(index - 1);
      positionals.push(arg);
    } else if (arg.startsWith("--")) {
      scanLong(arg, declared, next, onFlag);
    } else {
      scanShort(arg, declared, next, onFlag);
    }
  }
  return positionals;
}

function scanLong(
  arg: string,
  declared: readonly FlagSpec[],
  next: () => string | undefined,
  onFlag: OnFlag,
): void {
  const equals = arg.indexOf("=");
  const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
  const value = equals < 0 ? undefined : arg.slice(equals + 1);
  const spec = declared.find((flag) => flag.name === name);
  if (spec === undefined) {
    const negated = negatedFlag(name, declared);
    if (negated === undefined || value !== undefined) {
      throw unknownFlag(name, declared);
    }
    onFlag(negated, "false");
  } else if (spec.kind === "boolean") {
    onFlag(spec, value ?? "true");
  } else {
    const text = value ?? next();
    if (text === undefined) {
      throw new UsageError(`flag needs an argument: --${name}`);
    }
    onFlag(spec, text);
  }
}

function negatedFlag(
  name: string,
  declared: readonly FlagSpec[],
): FlagSpec | undefined {
  if (!name.startsWith("no-")) return undefined;
  const positive = name.slice("no-".length);
  return declared.find((f) => f.name === positive && f.kind === "boolean");
}

function unknownFlag(name: string, declared: readonly FlagSpec[]): UsageError {
  const names = declared.filter((f) => f.hidden !== true).map((f) => f.name);
  const near = nearest(name, names);
  return new UsageError(
    `unknown flag: --${name}`,
    near === undefined ? {} : { hint: `Did you mean --${near}?` },
  );
}

function scanShort(
  arg: string,
  declared: readonly FlagSpec[],
  next: () => string | undefined,
  onFlag: OnFlag,
): void {
  for (let at = 1; at < arg.length; at++) {
    const letter = arg[at] ?? "";
    const spec = declared.find((flag) => flag.short === letter);
    if (spec === undefined) {
      throw new UsageError(`unknown shorthand flag: '${letter}' in ${arg}`);
    }
    const rest = arg.slice(at + 1);
    if (spec.kind === "boolean" && !rest.startsWith("=")) {
      onFlag(spec, "true");
      continue;
    }
    const text = rest.startsWith("=") ? rest.slice(1) : rest || next();
    if (text === undefined) {
      throw new UsageError(`flag needs an argument: '${letter}' in ${arg}`);
    }
    onFlag(spec, text);
    return;
  }
}
