/** What holds for a frame whatever came before it (RFC 9113, section 6). */

import { Breach, ERROR, type ErrorNumber } from "./breach.ts";
import { FLAG, FRAME, type FrameHead } from "./frame.ts";

/** @throws {Breach} for one of the wrong length, or not of the connection */
export function checkShape(head: FrameHead, length: number): void {
  switch (head.type) {
    case FRAME.settings:
      expect(head.stream === 0, ERROR.protocol);
      return expect(length === 0 || !isAck(head), ERROR.frameSize);
    case FRAME.ping:
      expect(head.stream === 0, ERROR.protocol);
      return expect(length === 8, ERROR.frameSize);
    case FRAME.goAway:
      expect(head.stream === 0, ERROR.protocol);
      return expect(length >= 8, ERROR.frameSize);
    case FRAME.reset:
    case FRAME.windowUpdate:
      return expect(length === 4, ERROR.frameSize);
  }
}

/** Of settings and pings. */
export function isAck({ flags }: FrameHead): boolean {
  return (flags & FLAG.ack) !== 0;
}

export function expect(holds: boolean, error: ErrorNumber): void {
  if (!holds) throw new Breach(error, "The peer sends a frame that is wrong");
}
