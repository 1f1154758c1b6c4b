/**
 * The one error class of the engine and its closed list of codes.
 *
 * The codes are containerd's error classes (errdefs), so that each door, the
 * command line, gRPC and CRI, can translate them in one exhaustive table.
 *
 * Wording: what was attempted, the offending value in double quotes, no full
 * stop at the end; what to do next goes into `hint`.
 */

export const ERROR_CODES = [
  "invalidArgument",
  "notFound",
  "alreadyExists",
  "permissionDenied",
  "resourceExhausted",
  "failedPrecondition",
  "aborted",
  "outOfRange",
  "unimplemented",
  "internal",
  "unavailable",
  "dataLoss",
  "unauthenticated",
  "deadlineExceeded",
  "cancelled",
  "unknown",
] as const;

export type ErrorCode = typeof ERROR_CODES[number];

export interface EngineErrorOptions extends ErrorOptions {
  /** What the user can do next, one sentence without a full stop. */
  readonly hint?: string;
}

/** Every failure that crosses a layer is an `EngineError`. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options?: EngineErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = options?.hint;
  }

  /**
   * Wraps anything thrown; an `EngineError` is returned as it is. Where undoing
   * has failed, too, what was to be undone says what went wrong.
   */
  static from(thrown: unknown, code: ErrorCode = "unknown"): EngineError {
    if (thrown instanceof EngineError) return thrown;
    if (thrown instanceof SuppressedError) {
      return EngineError.from(thrown.suppressed, code);
    }
    if (thrown instanceof DOMException && thrown.name === "TimeoutError") {
      return new EngineError("deadlineExceeded", thrown.message, {
        cause: thrown,
      });
    }
    if (thrown instanceof DOMException && thrown.name === "AbortError") {
      return new EngineError("cancelled", thrown.message, { cause: thrown });
    }
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const known = isDiskFull(thrown) ? "resourceExhausted" : code;
    return new EngineError(known, message, { cause: thrown });
  }
}

/** What the kernel says, also where Deno has no class for it: a full disk. */
export function isErrno(
  thrown: unknown,
): thrown is Error & { readonly code: string } {
  return thrown instanceof Error && "code" in thrown &&
    typeof thrown.code === "string" && /^E[A-Z0-9]+$/.test(thrown.code);
}

/** True if no more can be written: the disk is full, or the user's share. */
export function isDiskFull(thrown: unknown): boolean {
  return isErrno(thrown) && ["ENOSPC", "EDQUOT"].includes(thrown.code);
}

/** True if `thrown` is an `EngineError` with one of the given codes. */
export function hasCode(
  thrown: unknown,
  ...codes: readonly ErrorCode[]
): thrown is EngineError {
  return thrown instanceof EngineError && codes.includes(thrown.code);
}

/** Undefined if `work` is about something that is not there. */
export async function unlessMissing<T>(
  work: Promise<T>,
): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, "notFound")) return undefined;
    throw error;
  }
}

export function invalidArgument(
  message: string,
  options?: EngineErrorOptions,
): EngineError {
  return new EngineError("invalidArgument", message, options);
}

/** @param what the kind of thing, for instance `image` */
export function notFound(
  what: string,
  id: string,
  options?: EngineErrorOptions,
): EngineError {
  return new EngineError("notFound", `Cannot find ${what} "${id}"`, options);
}

/** @param what the kind of thing, for instance `image` */
export function alreadyExists(
  what: string,
  id: string,
  options?: EngineErrorOptions,
): EngineError {
  return new EngineError(
    "alreadyExists",
    `Cannot create ${what} "${id}": it already exists`,
    options,
  );
}

export function failedPrecondition(
  message: string,
  options?: EngineErrorOptions,
): EngineError {
  return new EngineError("failedPrecondition", message, options);
}

export function unavailable(
  message: string,
  options?: EngineErrorOptions,
): EngineError {
  return new EngineError("unavailable", message, options);
}

export function dataLoss(
  message: string,
  options?: EngineErrorOptions,
): EngineError {
  return new EngineError("dataLoss", message, options);
}

export function unimplemented(what: string): EngineError {
  return new EngineError("unimplemented", `Cannot ${what}: not implemented`);
}

export function internal(
  message: string,
  options?: EngineErrorOptions,
): EngineError {
  return new EngineError("internal", message, options);
}
