/** `NAME=value` options: labels, annotations, sysctls. */

import { invalidArgument } from "../../base/errors.ts";

/**
 * `key=value`; `key` alone has an empty value.
 * @param what for messages, for instance `label`
 * @throws {EngineError} `invalidArgument`
 */
export function parsePairs(
  what: string,
  texts: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(texts.map((text) => {
    const [key, value] = split(text);
    if (key === "") throw invalidArgument(`invalid ${what} '${text}'`);
    return [key, value ?? ""];
  }));
}

/** Kernel parameters that belong to a namespace. */
const NAMESPACED = [
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
];
const NAMESPACED_PREFIXES = ["net.", "fs.mqueue."];

/** @throws {EngineError} `invalidArgument` for one that is the machine's */
export function parseSysctls(
  texts: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(texts.map((text) => {
    const [key, value] = split(text);
    const isNamespaced = NAMESPACED.includes(key) ||
      NAMESPACED_PREFIXES.some((prefix) => key.startsWith(prefix));
    if (!isNamespaced || value === undefined) {
      throw invalidArgument(`sysctl '${text}' is not allowed`, {
        hint: "Only NAME=VALUE of namespaced ones: net.*, fs.mqueue.*, " +
          "kernel.shm* and kernel.msg*",
      });
    }
    return [key, value];
  }));
}

function split(text: string): [string, string | undefined] {
  const equals = text.indexOf("=");
  return equals < 0
    ? [text, undefined]
    : [text.slice(0, equals), text.slice(equals + 1)];
}
