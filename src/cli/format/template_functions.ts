/** The functions of docker's templates and the ones that Go has built in. */

import { type EngineError, invalidArgument } from "../../base/errors.ts";
import { ELEMENT, goString } from "./go_string.ts";

type TemplateFunction = (...args: readonly unknown[]) => unknown;

const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  json: (value) => goJson(value),
  lower: (text) => string("lower", text).toLowerCase(),
  upper: (text) => string("upper", text).toUpperCase(),
  title: (text) =>
    string("title", text).replace(/(^|\s)\S/g, (c) => c.toUpperCase()),
  split: (text, by) => string("split", text).split(string("split", by)),
  join: (list, by) => array("join", list).map(goString).join(goString(by)),
  truncate: (text, length) =>
    string("truncate", text).slice(0, number("truncate", length)),
  pad: (text, before, after) =>
    text === "" ? "" : " ".repeat(number("pad", before)) + goString(text) +
      " ".repeat(number("pad", after)),
  print: (...args) => args.map(goString).join(""),
  println: (...args) => args.map(goString).join(" ") + "\n",
  printf: (format, ...args) => printf(string("printf", format), args),
  len: (value) => length(value),
  index: (value, ...keys) => keys.reduce(index, value),
  slice: (value, from = 0, to) =>
    (typeof value === "string" ? value : array("slice", value))
      .slice(number("slice", from), to === undefined ? undefined : Number(to)),
  not: (value) => !truth(value),
  eq: (first, ...others) => others.some((other) => first === other),
  ne: (a, b) => a !== b,
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
};

/** @throws {EngineError} `invalidArgument` */
export function callFunction(name: string, args: readonly unknown[]): unknown {
  const found = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (found === undefined) {
    throw invalidArgument(`Cannot find template function "${name}"`, {
      hint: `There are and, or, ${Object.keys(FUNCTIONS).join(", ")}`,
    });
  }
  return found(...args);
}

/** JSON as Go's encoder writes it, maps sorted as they come. */
function goJson(value: unknown): string {
  return JSON.stringify(value ?? null);
}

function wrong(name: string, value: unknown, wanted: string): EngineError {
  return invalidArgument(
    `Cannot use "${goString(value)}" in template function "${name}": ` +
      `expected ${wanted}`,
  );
}

function string(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw wrong(name, value, "a string");
}

function number(name: string, value: unknown): number {
  if (typeof value === "number") return value;
  throw wrong(name, value, "a number");
}

function array(name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(name, value, "a list");
}

function length(value: unknown): number {
  if (typeof value === "string" || Array.isArray(value)) return value.length;
  if (typeof value === "object" && value !== null) {
    return Object.keys(value).length;
  }
  throw wrong("len", value, "a string, list or map");
}

function index(value: unknown, key: unknown): unknown {
  if (typeof value === "object" && value !== null) {
    if (Object.hasOwn(value, key as PropertyKey)) {
      return (value as Record<PropertyKey, unknown>)[key as PropertyKey];
    }
    return ELEMENT in value ? value[ELEMENT] : undefined;
  }
  if (typeof value === "string") return value.charCodeAt(Number(key));
  throw wrong("index", value, "a list or map");
}

function truth(value: unknown): boolean {
  return typeof value === "object" && value !== null
    ? Object.keys(value).length > 0
    : Boolean(value);
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [left, right] = [goString(a), goString(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function printf(format: string, args: readonly unknown[]): string {
  let next = 0;
  return format.replace(
    /%(-?)(0?)(\d*)(?:\.(\d+))?([svdqfxt%])/g,
    (_, left, zero, width, precision, verb) => {
      if (verb === "%") return "%";
      const text = verbText(verb, args[next++], precision);
      return left === "-"
        ? text.padEnd(Number(width))
        : text.padStart(Number(width), zero === "0" ? "0" : " ");
    },
  );
}

function verbText(verb: string, value: unknown, precision?: string): string {
  switch (verb) {
    case "q":
      return JSON.stringify(goString(value));
    case "x":
      return typeof value === "number" ? value.toString(16) : goString(value);
    case "f":
      return Number(value).toFixed(Number(precision ?? 6));
    default:
      return precision === undefined
        ? goString(value)
        : goString(value).slice(0, Number(precision));
  }
}
