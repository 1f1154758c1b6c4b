/**
 * Variables of the environment that may hold what makes no sense. The
 * specification wants that left alone, and told.
 * @see OpenTelemetry, "Environment Variable Specification"
 */

/** A variable of the environment; empty is as good as unset. */
export type Environment = (name: string) => string | undefined;

export interface IgnoredVariable {
  readonly variable: string;
  /** Absent where it may be secret. */
  readonly value?: string;
  /** What it could hold. */
  readonly expected: string;
}

export interface Variables {
  readonly env: Environment;
  /** Told of each whose default is used instead. */
  readonly onIgnored: (ignored: IgnoredVariable) => void;
}

/** @returns undefined if it is unset, or its value makes no sense */
export function sensible(
  { env, onIgnored }: Variables,
  variable: string,
  makesSense: (value: string) => boolean,
  expected: string,
): string | undefined {
  const value = env(variable);
  if (value === undefined || makesSense(value)) return value;
  onIgnored({ variable, value, expected });
  return undefined;
}

export function countIn(
  variables: Variables,
  variable: string,
  otherwise: number,
): number {
  const isCount = (text: string) =>
    Number.isInteger(Number(text)) && Number(text) > 0;
  const text = sensible(variables, variable, isCount, "a whole number from 1");
  return text === undefined ? otherwise : Number(text);
}

/** `a=1,b=%20`, as W3C's baggage. What is no pair is left out, and told. */
export function pairsIn(
  { env, onIgnored }: Variables,
  variable: string,
  holds: "secrets" | "attributes",
): Record<string, string> {
  const value = env(variable) ?? "";
  if (!value.split(",").every((it) => it.trim() === "" || isPair(it))) {
    onIgnored({
      variable,
      ...holds === "secrets" ? {} : { value },
      expected: "NAME=VALUE, several with commas between them",
    });
  }
  return parsePairs(value);
}

export function parsePairs(text: string): Record<string, string> {
  const pairs = text.split(",").filter(isPair).map((pair) => {
    const equals = pair.indexOf("=");
    const name = pair.slice(0, equals).trim();
    return [name, decoded(pair.slice(equals + 1).trim())] as const;
  });
  return Object.fromEntries(pairs);
}

function isPair(text: string): boolean {
  return text.trim().indexOf("=") >= 1;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
