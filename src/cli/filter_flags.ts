import { invalidArgument } from "../base/errors.ts";
import { nearest } from "./suggest.ts";

/**
 * `--filter KEY=VALUE`, by key, in order.
 * @throws {EngineError} `invalidArgument` for an unknown key
 */
export function parseFilterFlags(
  filters: readonly string[],
  known: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const filter of filters) {
    const [, key = "", value = ""] = /^([^=]+)=([\s\S]*)$/.exec(filter) ?? [];
    if (key === "") {
      throw invalidArgument(`Cannot parse filter "${filter}"`, {
        hint: "A filter looks like KEY=VALUE",
      });
    }
    if (!known.includes(key)) {
      const near = nearest(key, known);
      throw invalidArgument(`Cannot filter by "${key}"`, {
        hint: near === undefined
          ? `The keys are ${known.join(", ")}`
          : `Did you mean ${near}?`,
      });
    }
    found.set(key, [...found.get(key) ?? [], value]);
  }
  return found;
}

/**
 * `KEY` or `KEY=VALUE` of a label filter, by key; undefined for any value.
 */
export function labelPairs(
  labels: readonly string[],
): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(labels.map((label) => {
    const equals = label.indexOf("=");
    return equals < 0
      ? [label, undefined]
      : [label.slice(0, equals), label.slice(equals + 1)];
  }));
}
