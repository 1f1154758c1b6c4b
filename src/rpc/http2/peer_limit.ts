/** Says when a peer sends more of some frames than any honest one does. */

import { Breach, ERROR } from "./breach.ts";
import { FLAG, FRAME, type FrameHead } from "./frame.ts";

/** Of frames that cost us work and the peer nothing, within a second. */
const MOST_FRAMES = 20_000;
const SECOND_MS = 1_000;

export class PeerLimit {
  readonly #now: () => number;
  #frames = 0;
  #secondBegan = 0;

  /** @param now milliseconds of a clock that only goes forward */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** @throws {Breach} if this one is too many */
  count(head: FrameHead, length: number): void {
    if (!isCheap(head, length)) return;
    const now = this.#now();
    if (now - this.#secondBegan >= SECOND_MS) {
      this.#secondBegan = now;
      this.#frames = 0;
    }
    if (++this.#frames <= MOST_FRAMES) return;
    throw new Breach(
      ERROR.enhanceYourCalm,
      `The peer sends ${MOST_FRAMES} control frames in a second`,
    );
  }
}

function isCheap({ type, flags }: FrameHead, length: number): boolean {
  switch (type) {
    case FRAME.priority:
    case FRAME.reset:
    case FRAME.settings:
    case FRAME.ping:
      return true;
    case FRAME.data:
      return length === 0 && (flags & FLAG.endStream) === 0;
    case FRAME.continuation:
      return length === 0;
    default:
      return false;
  }
}
