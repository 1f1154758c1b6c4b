/**
 * Looks at the frames of HTTP/2 (RFC 9113, section 4) as they pass, leaves out
 * those that the runtime's implementation can't bear, and says when a peer
 * sends more of some than any honest one does.
 *
 * GOAWAY is left out: a session that has had some 90 streams and is told GOAWAY
 * ends the whole process in a failed assertion. Nothing is lost by it: the peer
 * closes the connection when it is done.
 */

import { EngineError, invalidArgument } from "../../base/errors.ts";

const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  continuation: 9,
} as const;

const FLAG_END_STREAM = 1;
const FLAG_END_HEADERS = 4;

const HEADER_BYTES = 9;
/** The first bit of a stream's number is reserved. */
const LAST_31_BITS = 0x7f_ff_ff_ff;

/** What we allow a peer to send is the default of SETTINGS_MAX_FRAME_SIZE. */
const MOST_FRAME_BYTES = 16_384;
/** Of one call's headers, compressed. */
const MOST_HEADER_BYTES = 64 * 1024;
/** Of frames that cost us work and the peer nothing, within a second. */
const MOST_CONTROL_FRAMES = 20_000;
const SECOND_MS = 1_000;

const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export interface FrameFilterOptions {
  /** Clients begin with a preface (section 3.4), servers don't. */
  readonly peer: "client" | "server";
  /** Milliseconds of any clock that only goes forward. */
  readonly now: () => number;
  /** The peer has said GOAWAY. */
  readonly onGoAway?: () => void;
  /** It has reset a stream. Who takes care of that has the frame left out. */
  readonly onReset?: (stream: number) => "taken" | "pass";
}

export class FrameFilter {
  readonly #options: FrameFilterOptions;
  /** Bytes of the preface that have yet to come. */
  #prefaceLeft: number;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  #payloadLeft = 0;
  #isLeftOut = false;
  /** Bytes of a block of headers so far; undefined between blocks. */
  #blockBytes: number | undefined;
  #controlFrames = 0;
  #secondBegan = 0;

  constructor(options: FrameFilterOptions) {
    this.#options = options;
    this.#prefaceLeft = options.peer === "client" ? PREFACE.length : 0;
  }

  /**
   * What is to be passed on, in order; parts of `chunk` where that is possible.
   * @throws {EngineError} `invalidArgument` if it is not HTTP/2,
   * `resourceExhausted` if it is too much: the connection is to be closed
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const passed: Uint8Array[] = [];
    let at = this.#passPreface(chunk, passed);
    while (at < chunk.length) {
      if (this.#payloadLeft === 0) {
        at = this.#takeHeader(chunk, at, passed);
        continue;
      }
      const end = Math.min(chunk.length, at + this.#payloadLeft);
      if (!this.#isLeftOut) pass(passed, chunk.subarray(at, end));
      this.#payloadLeft -= end - at;
      at = end;
    }
    return passed;
  }

  #passPreface(chunk: Uint8Array, passed: Uint8Array[]): number {
    if (this.#prefaceLeft === 0) return 0;
    const begin = PREFACE.length - this.#prefaceLeft;
    const end = Math.min(chunk.length, this.#prefaceLeft);
    for (let index = 0; index < end; index++) {
      if (chunk[index] !== PREFACE[begin + index]) {
        throw invalidArgument("The client does not speak HTTP/2");
      }
    }
    this.#prefaceLeft -= end;
    pass(passed, chunk.subarray(0, end));
    return end;
  }

  /** Holds it back until it is whole, and judges the frame by it. */
  #takeHeader(chunk: Uint8Array, at: number, passed: Uint8Array[]): number {
    const header = this.#header;
    const begin = at;
    while (this.#headerBytes < HEADER_BYTES && at < chunk.length) {
      header[this.#headerBytes++] = chunk[at++] ?? 0;
    }
    if (this.#headerBytes < HEADER_BYTES) return at;
    this.#headerBytes = 0;
    const [high = 0, middle = 0, low = 0, type = 0, flags = 0] = header;
    const length = high << 16 | middle << 8 | low;
    this.#judge({ length, type, flags });
    this.#payloadLeft = length;
    this.#isLeftOut = this.#takesOut(type);
    if (this.#isLeftOut) return at;
    if (at - begin === HEADER_BYTES) {
      pass(passed, chunk.subarray(begin, at));
    } else passed.push(header.slice());
    return at;
  }

  #takesOut(type: number): boolean {
    const { onGoAway, onReset } = this.#options;
    if (type === TYPE.goAway) onGoAway?.();
    if (type !== TYPE.reset) return type === TYPE.goAway;
    const stream = new DataView(this.#header.buffer).getUint32(5);
    return onReset?.(stream & LAST_31_BITS) === "taken";
  }

  #judge({ length, type, flags }: FrameHead): void {
    if (length > MOST_FRAME_BYTES) {
      throw tooMuch(`a frame of ${length} bytes`);
    }
    if (type === TYPE.headers || type === TYPE.continuation) {
      this.#blockBytes = (this.#blockBytes ?? 0) + length;
      if (this.#blockBytes > MOST_HEADER_BYTES) {
        throw tooMuch(`headers of more than ${MOST_HEADER_BYTES} bytes`);
      }
      if ((flags & FLAG_END_HEADERS) !== 0) this.#blockBytes = undefined;
    }
    if (isControl({ length, type, flags })) this.#countControl();
  }

  #countControl(): void {
    const now = this.#options.now();
    if (now - this.#secondBegan >= SECOND_MS) {
      this.#secondBegan = now;
      this.#controlFrames = 0;
    }
    if (++this.#controlFrames > MOST_CONTROL_FRAMES) {
      throw tooMuch(`${MOST_CONTROL_FRAMES} control frames in a second`);
    }
  }
}

interface FrameHead {
  readonly length: number;
  readonly type: number;
  readonly flags: number;
}

function isControl({ length, type, flags }: FrameHead): boolean {
  switch (type) {
    case TYPE.priority:
    case TYPE.reset:
    case TYPE.settings:
    case TYPE.ping:
      return true;
    case TYPE.data:
      return length === 0 && (flags & FLAG_END_STREAM) === 0;
    case TYPE.continuation:
      return length === 0;
    default:
      return false;
  }
}

function tooMuch(what: string): EngineError {
  return new EngineError("resourceExhausted", `The peer sends ${what}`);
}

/** Neighbours in one buffer are passed on as one. */
function pass(passed: Uint8Array[], part: Uint8Array): void {
  if (part.length === 0) return;
  const last = passed.at(-1);
  if (
    last !== undefined && last.buffer === part.buffer &&
    last.byteOffset + last.length === part.byteOffset
  ) {
    passed[passed.length - 1] = new Uint8Array(
      last.buffer,
      last.byteOffset,
      last.length + part.length,
    );
  } else passed.push(part);
}
