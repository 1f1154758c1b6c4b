/** Deadlines that are further away than timers count. */

const MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

const MOST_MS = 2 ** 31 - 1;

/**
 * Whether `grpc-timeout` (gRPC over HTTP/2, "Requests") is of 25 days or more,
 * which grpc-js would take for one that has passed.
 */
export function isLongTimeout(value: unknown): boolean {
  const [, digits, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(String(value)) ??
    [];
  return Number(digits) * (MS[unit] ?? 0) > MOST_MS;
}
