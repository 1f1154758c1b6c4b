/** Amounts as people write them on docker's command line. */

import { invalidArgument } from "./errors.ts";

/** Powers of 1024. */
const BYTE_UNITS = ["b", "k", "m", "g", "t", "p"] as const;

const BYTES = /^(\d+(?:\.\d+)?) ?(?:([kmgtp]?)i?b?|b)$/i;

/**
 * Bytes of `64m`, `64MB`, `64MiB`, `1.5g`, `512`, `512b`; units are powers of
 * 1024, also `MB`, as docker takes them for memory.
 *
 * @param what for the message, for instance `memory limit`
 * @throws {EngineError} `invalidArgument`
 */
export function parseBytes(what: string, text: string): number {
  const match = BYTES.exec(text.trim());
  const [, number = "", unit = ""] = match ?? [];
  const power = unit === "" ? 0 : BYTE_UNITS.indexOf(unit.toLowerCase() as "k");
  const bytes = Math.floor(Number(number) * 1024 ** power);
  if (match === null || !Number.isSafeInteger(bytes)) {
    throw invalidArgument(`Cannot use ${what} "${text}": not a size`, {
      hint: "Write a number and b, k, m or g, for instance 64m",
    });
  }
  return bytes;
}

/** Milliseconds of each of Go's units. */
const DURATION_UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Milliseconds of a duration as Go writes it: `1h30m`, `1.5s`, `300ms`, `0`.
 * @throws {EngineError} `invalidArgument`
 */
export function parseDuration(what: string, text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|\u00b5s|ms|s|m|h)/g)];
  const isWhole = parts.map(([part]) => part).join("") === text;
  if (text === "0") return 0;
  if (parts.length === 0 || !isWhole) {
    throw invalidArgument(`Cannot use ${what} "${text}": not a duration`, {
      hint: "Write numbers and units, for instance 1m30s",
    });
  }
  return parts.reduce(
    (sum, [, number, unit]) =>
      sum + Number(number) * (DURATION_UNITS[unit ?? ""] ?? 0),
    0,
  );
}

/**
 * Thousandths of a processor of `1.5`, `.5`, `2`.
 * @throws {EngineError} `invalidArgument`
 */
export function parseMilliCpus(text: string): number {
  const milliCpus = Math.round(Number(text) * 1000);
  if (!/^(?:\d+\.?\d*|\.\d+)$/.test(text) || !Number.isFinite(milliCpus)) {
    throw invalidArgument(`Cannot use number of CPUs "${text}"`, {
      hint: "Write a decimal number, for instance 1.5",
    });
  }
  // Next to nothing is not the same as nothing, which stands for no limit.
  return milliCpus === 0 && Number(text) > 0 ? 1 : milliCpus;
}
