/** What a peer may be told when it, or a stream of it, goes wrong. */

/** Codes of RST_STREAM and GOAWAY (RFC 9113, section 7). */
export const ERROR = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  refusedStream: 7,
  cancel: 8,
  compression: 9,
  enhanceYourCalm: 11,
} as const;

/** One of `ERROR`, or one that a peer has made up. */
export type ErrorNumber = number;

/** The peer has broken the protocol: the connection ends with GOAWAY. */
export class Breach extends Error {
  override readonly name = "Breach";
  readonly error: ErrorNumber;

  constructor(error: ErrorNumber, message: string) {
    super(message);
    this.error = error;
  }
}
