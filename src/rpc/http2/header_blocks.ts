/** Blocks of headers, each from one frame or more (RFC 9113, section 4.3). */

import { Breach, ERROR } from "./breach.ts";
import { FLAG, FRAME, type FrameHead } from "./frame.ts";
import { HeaderDecoder, MOST_LIST_BYTES } from "./header_decoder.ts";
import type { HeaderField } from "./header_table.ts";

export interface HeaderBlock {
  readonly fields: readonly HeaderField[];
  /** Nothing follows on its stream. */
  readonly isEnd: boolean;
}

const PRIORITY_BYTES = 5;

export class HeaderBlocks {
  readonly #decoder = new HeaderDecoder();
  /** One that is not whole yet. */
  #open: { readonly head: FrameHead; bytes: Uint8Array } | undefined;

  /** @throws {Breach} if a block is open and the frame is none of it */
  expect({ type, stream }: FrameHead): void {
    const open = this.#open?.head.stream;
    if (open === (type === FRAME.continuation ? stream : undefined)) return;
    throw new Breach(ERROR.protocol, "The peer's headers are cut off");
  }

  /**
   * @param payload of HEADERS or CONTINUATION
   * @returns undefined until the block is whole
   */
  take(head: FrameHead, payload: Uint8Array): HeaderBlock | undefined {
    const open = this.#open;
    const bytes = open === undefined
      ? fragment(head, payload)
      : joined(open.bytes, payload);
    if (bytes.length > MOST_LIST_BYTES) {
      throw new Breach(
        ERROR.enhanceYourCalm,
        `The peer sends headers of more than ${MOST_LIST_BYTES} bytes`,
      );
    }
    const first = open?.head ?? head;
    if ((head.flags & FLAG.endHeaders) === 0) {
      this.#open = { head: first, bytes: bytes.slice() };
      return undefined;
    }
    this.#open = undefined;
    return {
      fields: this.#decoder.decode(bytes),
      isEnd: (first.flags & FLAG.endStream) !== 0,
    };
  }
}

/** Without padding and priority. */
function fragment({ flags }: FrameHead, payload: Uint8Array): Uint8Array {
  const isPadded = (flags & FLAG.padded) !== 0;
  const padding = isPadded ? payload[0] ?? 0 : 0;
  const begin = (isPadded ? 1 : 0) +
    ((flags & FLAG.priority) !== 0 ? PRIORITY_BYTES : 0);
  const end = payload.length - padding;
  if (begin > end) {
    throw new Breach(ERROR.protocol, "The peer's headers are cut off");
  }
  return payload.subarray(begin, end);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
