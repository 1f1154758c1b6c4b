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

interface OpenBlock {
  readonly head: FrameHead;
  readonly parts: Uint8Array[];
  bytes: number;
}

const PRIORITY_BYTES = 5;

export class HeaderBlocks {
  readonly #decoder = new HeaderDecoder();
  /** One that is not whole yet. */
  #open: OpenBlock | undefined;

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
    const open = this.#open ?? { head, parts: [], bytes: 0 };
    const isFirst = this.#open === undefined;
    const part = isFirst ? fragment(head, payload) : payload;
    open.bytes += part.length;
    if (open.bytes > MOST_LIST_BYTES) {
      throw new Breach(
        ERROR.enhanceYourCalm,
        `The peer sends headers of more than ${MOST_LIST_BYTES} bytes`,
      );
    }
    if ((head.flags & FLAG.endHeaders) === 0) {
      open.parts.push(part.slice());
      this.#open = open;
      return undefined;
    }
    this.#open = undefined;
    return {
      fields: this.#decoder.decode(isFirst ? part : joined(open, part)),
      isEnd: (open.head.flags & FLAG.endStream) !== 0,
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

/** Once for all, however many parts the peer makes of it. */
function joined({ parts, bytes }: OpenBlock, last: Uint8Array): Uint8Array {
  const block = new Uint8Array(bytes);
  let at = 0;
  for (const part of [...parts, last]) {
    block.set(part, at);
    at += part.length;
  }
  return block;
}
