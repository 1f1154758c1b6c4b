/** What the session and its threads say to each other. */

import { EngineError, type ErrorCode } from "../../base/errors.ts";
import type { Digest, DigestAlgorithm } from "../../base/digest.ts";
import type { Extracted, ExtractOptions } from "./layer_extractor.ts";

/** Reads, hashes and decompresses. */
export interface ReadOrder {
  readonly kind: "read";
  readonly path: string;
  readonly growth: SharedArrayBuffer;
  readonly algorithm: DigestAlgorithm;
  /** Absent: the bytes are only hashed. */
  readonly ring?: SharedArrayBuffer;
}

/** Hashes what comes out of the ring and makes files of it. */
export interface ExtractOrder {
  readonly kind: "extract";
  readonly ring: SharedArrayBuffer;
  readonly algorithm: DigestAlgorithm;
  readonly options: ExtractOptions;
}

export type Order = ReadOrder | ExtractOrder;

export interface ReadReport {
  readonly kind: "read";
  readonly digest: Digest;
  /** Compressed bytes. */
  readonly size: number;
  /** Why they could not be decompressed, although all of them were hashed. */
  readonly error?: PlainError;
}

export interface ExtractReport extends Extracted {
  readonly kind: "extract";
  readonly diffId: Digest;
  /** Bytes of the tar. */
  readonly size: number;
}

export interface FailureReport {
  readonly kind: "failed";
  /** Undefined if it only failed because the other thread did. */
  readonly error?: PlainError;
}

export type Report = ReadReport | ExtractReport | FailureReport;

/** An error as it survives the way from one thread to another. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly stack?: string;
}

export function toPlainError(thrown: unknown): PlainError {
  const error = EngineError.from(thrown, "internal");
  return {
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
  };
}

export function fromPlainError(
  { code, message, hint, stack }: PlainError,
): EngineError {
  const error = new EngineError(
    code,
    message,
    hint === undefined ? {} : { hint },
  );
  if (stack !== undefined) error.stack = stack;
  return error;
}
