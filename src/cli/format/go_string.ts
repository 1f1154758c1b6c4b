/** Values as Go has them, for its templates. */

/** A pointer to nothing. */
export class Nil {
  toJSON(): null {
    return null;
  }
}

/** As JSON it is a number of nanoseconds. */
export class Duration {
  readonly #nanoseconds: number;

  constructor(nanoseconds: number) {
    this.#nanoseconds = nanoseconds;
  }

  toJSON(): number {
    return this.#nanoseconds;
  }

  /** `1h0m30s`, `1.5s`, `20ms` */
  toString(): string {
    const all = this.#nanoseconds;
    if (all > 0 && all < NS_PER_S) {
      const [unit, size] = SMALL_UNITS.find(([, size]) => all >= size) ??
        ["ns", 1] as const;
      return `${all / size}${unit}`;
    }
    const seconds = all / NS_PER_S;
    const [hours, minutes] = [Math.floor(seconds / 3600), seconds / 60 % 60];
    // Multiples of a nanosecond, whatever the division gives.
    const rest = Number((all % (60 * NS_PER_S) / NS_PER_S).toFixed(9));
    return [
      ...hours > 0 ? [`${hours}h`] : [],
      ...seconds >= 60 ? [`${Math.floor(minutes)}m`] : [],
      `${rest}s`,
    ].join("");
  }
}

const NS_PER_S = 1e9;
const SMALL_UNITS = [["ms", 1e6], ["µs", 1e3]] as const;

/** What a map that has it gives for a key that it lacks. */
export const ELEMENT = Symbol("element");

/** A value as Go's `fmt` prints it: `[a b]`, `map[k:v]`, `<no value>`. */
export function goString(value: unknown): string {
  if (value === null || value === undefined) return "<no value>";
  if (value instanceof Nil) return "<nil>";
  if (value instanceof Duration) return value.toString();
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
