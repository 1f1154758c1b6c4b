/** Error codes as numbers of gRPC, which ttrpc has too, in one table. */

import { EngineError, type ErrorCode } from "../base/errors.ts";

const NUMBERS: Readonly<Record<ErrorCode, number>> = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
};

const CODES = new Map(
  Object.entries(NUMBERS).map(([code, number]) => [number, code as ErrorCode]),
);

export const STATUS_OK = 0;

export interface WireStatus {
  readonly code: number;
  readonly message: string;
}

export function statusOf(thrown: unknown): WireStatus {
  const { code, message } = EngineError.from(thrown);
  return { code: NUMBERS[code], message };
}

/** Numbers that nobody has defined are `unknown`. */
export function errorOf({ code, message }: WireStatus): EngineError {
  return new EngineError(CODES.get(code) ?? "unknown", message);
}
