/** The keys that leave a container without ending it. */

import { invalidArgument } from "../base/errors.ts";

const DEFAULT = "ctrl-p,ctrl-q";

/** Signs that make a control character with ctrl. */
const CONTROL = "@abcdefghijklmnopqrstuvwxyz[\\]^_";

/**
 * @param text as docker writes it: letters, or `ctrl-` and one, with commas
 * @throws {EngineError} `invalidArgument`
 */
export function parseDetachKeys(text: string = DEFAULT): readonly number[] {
  if (text === "") return [];
  return text.split(",").map((key) => {
    const sign = key.startsWith("ctrl-") ? key.slice(5) : undefined;
    const code = sign === undefined
      ? key.length === 1 ? key.charCodeAt(0) : -1
      : sign.length === 1
      ? CONTROL.indexOf(sign.toLowerCase())
      : -1;
    if (code >= 0) return code;
    throw invalidArgument(`Cannot use "${text}" as keys to detach with`, {
      hint: 'Write them as "ctrl-p,ctrl-q"',
    });
  });
}

/** Looks for the keys in what is typed, which may come in pieces. */
export class DetachKeys {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(keys: readonly number[]) {
    this.#keys = keys;
  }

  /** @returns what is not part of the keys */
  filter(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | "detach" {
    if (this.#keys.length === 0) return bytes;
    const passed: number[] = [];
    for (const byte of bytes) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length) return "detach";
        continue;
      }
      // They were meant for the container.
      passed.push(...this.#keys.slice(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) passed.push(byte);
    }
    return new Uint8Array(passed);
  }
}
