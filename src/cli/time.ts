import { type EngineError, invalidArgument } from "../base/errors.ts";

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * A time as docker takes it: an age (`24h`, `1h30m`), seconds since 1970, a
 * date, or a date with a time (local unless it says otherwise).
 *
 * @throws {EngineError} `invalidArgument`
 */
export function parseTime(text: string, now: Date): Date {
  if (/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(text)) {
    let age = 0;
    for (const [, count, unit] of text.matchAll(/([\d.]+)(ms|[smhd])/g)) {
      age += Number(count) * (UNITS_MS[unit ?? ""] ?? 0);
    }
    return new Date(now.getTime() - age);
  }
  if (/^\d+(?:\.\d+)?$/.test(text)) return new Date(Number(text) * 1000);
  if (!/^\d{4}-\d\d-\d\d/.test(text)) throw malformed(text);
  // A bare date is local, too, as for docker; JavaScript takes it for UTC.
  const time = new Date(text.length === 10 ? `${text}T00:00:00` : text);
  if (Number.isNaN(time.getTime())) throw malformed(text);
  return time;
}

function malformed(text: string): EngineError {
  return invalidArgument(`Cannot parse time "${text}"`, {
    hint: "Say an age, 24h for instance, or a time, 2026-01-31T12:00:00",
  });
}
