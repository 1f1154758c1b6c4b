/** Values as Go has them, for its templates. */

/** A pointer to nothing. */
export class Nil {
  toJSON(): null {
    return null;
  }
}

/** What a map that has it gives for a key that it lacks. */
export const ELEMENT = Symbol("element");

/** A value as Go's `fmt` prints it: `[a b]`, `map[k:v]`, `<no value>`. */
export function goString(value: unknown): string {
  if (value === null || value === undefined) return "<no value>";
  if (value instanceof Nil) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(goString).join(" ")}]`;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "object") {
    const pairs = Object.entries(value)
      .filter(([, item]) => typeof item !== "function")
      .sort(([a], [b]) => a < b ? -1 : 1)
      .map(([key, item]) => `${key}:${goString(item)}`);
    return `map[${pairs.join(" ")}]`;
  }
  return String(value);
}
