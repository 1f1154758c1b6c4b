/** How gRPC says things in headers (gRPC over HTTP/2). */

import { EngineError } from "../../base/errors.ts";
import type { HeaderField } from "../http2/header_table.ts";
import { ERROR, type ErrorNumber } from "../http2/breach.ts";
import type { WireStatus } from "../status.ts";

export const CONTENT_TYPE: HeaderField = ["content-type", "application/grpc"];

/** Headers that are the protocol's, not the call's. */
const OWN = /^(:|grpc-|te$|content-type$)/;

/** Binary headers are nothing that containerd's API has. */
export function metadataOf(
  fields: readonly HeaderField[],
): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of fields) {
    if (OWN.test(name) || name.endsWith("-bin")) continue;
    const before = found.get(name);
    found.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return found;
}

export function fieldOf(
  fields: readonly HeaderField[],
  wanted: string,
): string | undefined {
  return fields.find(([name]) => name === wanted)?.[1];
}

/** As trailers have it. */
export function statusFields(
  { code, message }: WireStatus,
): readonly HeaderField[] {
  const status: HeaderField = ["grpc-status", String(code)];
  return message === ""
    ? [status]
    : [status, ["grpc-message", percentEncoded(message)]];
}

/** What is no number at all. */
const UNKNOWN = 2;

/** @returns undefined if there is none */
export function statusIn(
  fields: readonly HeaderField[],
): WireStatus | undefined {
  const code = fieldOf(fields, "grpc-status");
  if (code === undefined) return undefined;
  const message = fieldOf(fields, "grpc-message") ?? "";
  return {
    code: /^\d+$/.test(code) ? Number(code) : UNKNOWN,
    message: percentDecoded(message),
  };
}

/** Headers that are too long end the connection, and all calls with it. */
const MOST_MESSAGE_CHARS = 32 * 1024;

/**
 * All bytes of UTF-8 but those of ASCII that can be seen; "%" is not. What is
 * too long is cut off, not within a character.
 */
function percentEncoded(text: string): string {
  let encoded = "";
  for (const byte of new TextEncoder().encode(text)) {
    const isWithin = (byte & 0xc0) === 0x80;
    if (encoded.length >= MOST_MESSAGE_CHARS && !isWithin) break;
    encoded += byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** What is wrong in it is left as it is. */
function percentDecoded(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** `grpc-timeout` in milliseconds; undefined if there is none that is right. */
export function timeoutOf(value: string | undefined): number | undefined {
  const [, digits, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(value ?? "") ?? [];
  const ms = UNIT_MS[unit];
  return ms === undefined ? undefined : Number(digits) * ms;
}

const MOST_DIGITS = 99_999_999;

export function encodeTimeout(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms));
  return whole <= MOST_DIGITS
    ? `${whole}m`
    : `${Math.min(MOST_DIGITS, Math.ceil(whole / 1_000))}S`;
}

/** What it means to a caller that a stream has been reset, or is lost. */
export function errorOfReset(error: ErrorNumber | undefined): EngineError {
  switch (error) {
    case undefined:
      return new EngineError("unavailable", "The connection is lost");
    case ERROR.refusedStream:
      return new EngineError("unavailable", "The server takes no more calls");
    case ERROR.cancel:
      return new EngineError("cancelled", "The server has cancelled the call");
    case ERROR.enhanceYourCalm:
      return new EngineError("resourceExhausted", "The server has had enough");
    default:
      return new EngineError(
        "internal",
        `The server has reset the call with error ${error}`,
      );
  }
}
