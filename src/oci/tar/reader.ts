import { dataLoss, EngineError } from "../../base/errors.ts";
import { ExtensionCollector } from "./extensions.ts";
import { isZeroBlock } from "./fields.ts";
import { BLOCK_SIZE, type TarHandler, type TarHeader } from "./header.ts";
import {
  checkedSize,
  foreignData,
  parseHeader,
  typeFlag,
} from "./parse_header.ts";
import {
  type SparseMapReader,
  startGnuMap,
  startPaxMap,
} from "./sparse_map.ts";

/** What the next bytes are. */
type Stage =
  | "header"
  | "extension"
  | "sparseMap"
  | "data"
  | "foreign"
  | "padding"
  | "end";

/**
 * Reads a tar archive as it arrives, without promises or copies.
 *
 * Understands v7, ustar, star, GNU (long names, base-256 numbers, sparse files)
 * and pax (global and own records, extended attributes, sparse files 0.0, 0.1,
 * 1.0). As GNU tar it takes the first block of zeros for the end and ignores
 * what follows; an archive may also end without one. Only files have data.
 *
 * Whatever is wrong with the archive is thrown from `push` or `finish` as an
 * `EngineError` `dataLoss` with the entry's index and the offset of its header;
 * what the handler throws passes through. The reader is of no use after that.
 *
 * ```ts
 * const reader = new TarReader(handler);
 * for await (const chunk of stream) reader.push(chunk);
 * reader.finish();
 * ```
 */
export class TarReader {
  readonly #handler: TarHandler;
  #stage: Stage = "header";
  /** Bytes taken so far. */
  #offset = 0;
  /** Where the block at hand, and the entry's header, began. */
  #blockOffset = 0;
  #headerOffset = 0;
  #index = 0;
  /** A block, or the body of an extension, that is split over chunks. */
  #gathered: Uint8Array<ArrayBuffer> = new Uint8Array(BLOCK_SIZE);
  #gatheredLength = 0;
  /** Bytes left in "data", "foreign" and "padding". */
  #remaining = 0;
  #padding = 0;
  readonly #extensions = new ExtensionCollector();
  /** Of the entry at hand, while it is incomplete. */
  #map: SparseMapReader | undefined;

  constructor(handler: TarHandler) {
    this.#handler = handler;
  }

  /** Bytes of the archive that were taken; those after its end don't count. */
  get offset(): number {
    return this.#offset;
  }

  /** Takes any number of bytes; `chunk` may be reused afterwards. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && this.#stage !== "end") {
      const next = this.#step(chunk, at);
      this.#offset += next - at;
      at = next;
    }
  }

  /** @throws {EngineError} `dataLoss` if the archive ends within an entry */
  finish(): void {
    const isWhole = this.#stage === "end" || this.#stage === "padding" ||
      (this.#stage === "header" && this.#gatheredLength === 0);
    const isPending = this.#stage !== "end" && this.#extensions.isPending();
    if (!isWhole || isPending) {
      throw this.#located(dataLoss("the archive is truncated"));
    }
    this.#stage = "end";
  }

  #step(chunk: Uint8Array, at: number): number {
    switch (this.#stage) {
      case "data":
        return this.#takeData(chunk, at);
      case "foreign":
      case "padding":
        return this.#skip(chunk, at);
      case "extension":
        return this.#takeExtension(chunk, at);
      default:
        return this.#takeBlock(chunk, at);
    }
  }

  #takeData(chunk: Uint8Array, at: number): number {
    const end = Math.min(at + this.#remaining, chunk.length);
    this.#remaining -= end - at;
    this.#handler.data(
      at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end),
    );
    if (this.#remaining === 0) {
      this.#pad();
      this.#endEntry();
    }
    return end;
  }

  #skip(chunk: Uint8Array, at: number): number {
    const end = Math.min(at + this.#remaining, chunk.length);
    this.#remaining -= end - at;
    if (this.#remaining === 0) {
      if (this.#stage === "foreign") this.#pad();
      else this.#stage = "header";
    }
    return end;
  }

  /** After `#expect`ed bytes: skips to the next whole block. */
  #pad(): void {
    this.#remaining = this.#padding;
    this.#stage = this.#padding === 0 ? "header" : "padding";
  }

  #expect(stage: "data" | "foreign" | "extension", size: number): void {
    this.#stage = stage;
    this.#remaining = size;
    this.#padding = paddingOf(size);
  }

  #takeBlock(chunk: Uint8Array, at: number): number {
    if (this.#gatheredLength === 0 && chunk.length - at >= BLOCK_SIZE) {
      this.#blockOffset = this.#offset;
      this.#block(chunk.subarray(at, at + BLOCK_SIZE));
      return at + BLOCK_SIZE;
    }
    const end = Math.min(at + BLOCK_SIZE - this.#gatheredLength, chunk.length);
    this.#gathered.set(chunk.subarray(at, end), this.#gatheredLength);
    this.#gatheredLength += end - at;
    if (this.#gatheredLength === BLOCK_SIZE) {
      this.#gatheredLength = 0;
      this.#blockOffset = this.#offset + end - at - BLOCK_SIZE;
      this.#block(this.#gathered);
    }
    return end;
  }

  #block(block: Uint8Array): void {
    let header: TarHeader | undefined;
    try {
      header = this.#parse(block);
    } catch (error) {
      throw this.#located(error);
    }
    if (header !== undefined) this.#emit(header);
  }

  #emit(header: TarHeader): void {
    this.#handler.entry(header);
    if (header.size > 0) this.#expect("data", header.size);
    else {
      if (this.#stage !== "foreign") this.#stage = "header";
      this.#endEntry();
    }
  }

  #endEntry(): void {
    this.#index++;
    this.#handler.endEntry();
  }

  #parse(block: Uint8Array): TarHeader | undefined {
    if (this.#map === undefined) return this.#parseHeader(block);
    const header = this.#map.push(block);
    if (header !== undefined) this.#map = undefined;
    return header;
  }

  #parseHeader(block: Uint8Array): TarHeader | undefined {
    if (block[0] === 0 && isZeroBlock(block, 0)) {
      this.#stage = "end";
      return undefined;
    }
    this.#headerOffset = this.#blockOffset;
    const size = checkedSize(block);
    const flag = typeFlag(block);
    switch (flag) {
      case "x":
      case "g":
      case "X":
      case "L":
      case "K":
        this.#extensions.start(flag, size);
        if (size > 0) this.#expect("extension", size);
        else this.#extensions.end();
        return undefined;
      case "V":
        if (size > 0) this.#expect("foreign", size);
        return undefined;
      default:
        return this.#parseEntry(block, flag, size);
    }
  }

  #parseEntry(
    block: Uint8Array,
    flag: string,
    size: number,
  ): TarHeader | undefined {
    const extensions = this.#extensions.take();
    const { pax } = extensions;
    const header = parseHeader(block, this.#index, size, extensions);
    const foreign = foreignData(block, header, size);
    if (foreign > 0) this.#expect("foreign", foreign);
    const map = flag === "S"
      ? startGnuMap(block, header)
      : pax?.sparse !== undefined && header.type === "file"
      ? startPaxMap(pax.sparse, header)
      : undefined;
    if (map === undefined) return header;
    this.#map = map;
    this.#stage = "sparseMap";
    return undefined;
  }

  #takeExtension(chunk: Uint8Array, at: number): number {
    const end = Math.min(at + this.#remaining, chunk.length);
    this.#extensions.push(chunk.subarray(at, end));
    this.#remaining -= end - at;
    if (this.#remaining === 0) {
      try {
        this.#extensions.end();
      } catch (error) {
        throw this.#located(error);
      }
      this.#pad();
    }
    return end;
  }

  #located(error: unknown): unknown {
    if (!(error instanceof EngineError)) return error;
    return dataLoss(
      `Cannot read tar entry "${this.#index}" at offset ` +
        `"${this.#headerOffset}": ${error.message}`,
      {
        cause: error,
        hint: "The archive is damaged or was made to do damage; fetch or " +
          "build it again",
      },
    );
  }
}

function paddingOf(size: number): number {
  return (BLOCK_SIZE - size % BLOCK_SIZE) % BLOCK_SIZE;
}
