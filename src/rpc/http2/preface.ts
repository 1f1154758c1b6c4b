/** What a client begins with, in front of its first frame. */

import { Breach, ERROR } from "./breach.ts";
import { PREFACE } from "./frame.ts";

export class PrefaceReader {
  #bytes = 0;

  /**
   * @returns what is behind it
   * @throws {Breach} for anything else
   */
  take(chunk: Uint8Array): Uint8Array {
    const begin = this.#bytes;
    const end = Math.min(chunk.length, PREFACE.length - begin);
    for (let at = 0; at < end; at++) {
      if (chunk[at] === PREFACE[begin + at]) continue;
      throw new Breach(ERROR.protocol, "The client does not speak HTTP/2");
    }
    this.#bytes += end;
    return chunk.subarray(end);
  }
}
