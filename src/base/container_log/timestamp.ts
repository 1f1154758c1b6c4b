/** Times of log entries, to the nanosecond, as RFC 3339 texts in UTC. */

const NS_PER_MS = 1_000_000n;

/** `2026-01-31T12:00:00.012345678Z`: as texts they sort as in time. */
export function formatTimestamp(ns: bigint): string {
  const ms = ns / NS_PER_MS;
  const rest = String(ns % NS_PER_MS).padStart(6, "0");
  return `${new Date(Number(ms)).toISOString().slice(0, -1)}${rest}Z`;
}

/** As Go writes it: without the zeros at the end. */
export function shortTimestamp(timestamp: string): string {
  return timestamp.replace(/\.?0+Z$/, "Z");
}

/** A time to compare timestamps with. */
export function timestampOf(date: Date): string {
  return `${date.toISOString().slice(0, -1)}000000Z`;
}

/**
 * Any RFC 3339 time, with nine digits behind the point.
 * @returns undefined if it is none
 */
export function normalTimestamp(text: string): string | undefined {
  const match =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(
      text,
    );
  if (match === null) return undefined;
  const [, whole = "", fraction = "", zone = ""] = match;
  const digits = fraction.padEnd(9, "0");
  if (zone === "Z") return `${whole}.${digits}Z`;
  const date = new Date(whole + zone);
  if (Number.isNaN(date.getTime())) return undefined;
  return `${date.toISOString().slice(0, 19)}.${digits}Z`;
}
