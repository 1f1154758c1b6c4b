import { dataLoss, EngineError } from "../../base/errors.ts";
import { ExtensionCollector } from "./extensions.ts";
import { isZeroBlock, readCount } from "./fields.ts";
import {
  BLOCK_SIZE,
  MAX_EXTENSION_BYTES,
  type TarHandler,
  type TarHeader,
} from "./header.ts";
import {
  checkedSize,
  type DraftHeader,
  foreignData,
  parseHeader,
  typeFlag,
} from "./parse_header.ts";
import type { PaxRecords } from "./pax.ts";
import { readGnuPairs, SparseMapText, sparseSegments } from "./sparse.ts";

/** What the next bytes are. */
type Stage =
  | "header"
  | "extension"
  | "gnuMap"
  | "textMap"
  | "data"
  | "foreign"
  | "padding"
  | "end";

const GNU_MAP = { inHeader: 386, header: 4, isExtended: 482, realSize: 483 };
const GNU_MAP_BLOCK = { count: 21, isExtended: 504 };

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
  /** An entry that waits for its sparse map. */
  #draft: DraftHeader | undefined;
  #mapNumbers: number[] = [];
  #mapText = new SparseMapText();
  #mapBytes = 0;

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
    switch (this.#stage) {
      case "gnuMap":
        return this.#parseGnuMap(block);
      case "textMap":
        return this.#parseTextMap(block);
      default:
        return this.#parseHeader(block);
    }
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
    if (flag === "S") return this.#startGnuMap(block, header);
    if (pax?.sparse !== undefined && header.type === "file") {
      return this.#startPaxMap(pax.sparse, header);
    }
    return header;
  }

  #startGnuMap(
    block: Uint8Array,
    header: DraftHeader,
  ): TarHeader | undefined {
    this.#mapNumbers = [];
    header.realSize = readRealSize(block);
    readGnuPairs(block, GNU_MAP.inHeader, GNU_MAP.header, this.#mapNumbers);
    if (block[GNU_MAP.isExtended] === 0) {
      return withMap(header, this.#mapNumbers);
    }
    this.#draft = header;
    this.#mapBytes = 0;
    this.#stage = "gnuMap";
    return undefined;
  }

  #parseGnuMap(block: Uint8Array): TarHeader | undefined {
    this.#countMapBytes();
    readGnuPairs(block, 0, GNU_MAP_BLOCK.count, this.#mapNumbers);
    if (block[GNU_MAP_BLOCK.isExtended] !== 0) return undefined;
    return withMap(this.#takeDraft(), this.#mapNumbers);
  }

  #startPaxMap(
    sparse: NonNullable<PaxRecords["sparse"]>,
    header: DraftHeader,
  ): TarHeader | undefined {
    if (sparse.name !== undefined) header.name = sparse.name;
    if (sparse.realSize === undefined) {
      throw dataLoss("a sparse file has no size");
    }
    header.realSize = sparse.realSize;
    const isText = sparse.major === 1 && sparse.minor === 0;
    if (!isText && (sparse.major ?? 0) !== 0) {
      throw dataLoss(`sparse format "${sparse.major}" is unknown`);
    }
    if (!isText) return withMap(header, sparse.numbers ?? []);
    this.#draft = header;
    this.#mapText = new SparseMapText();
    this.#mapBytes = 0;
    this.#stage = "textMap";
    return undefined;
  }

  #parseTextMap(block: Uint8Array): TarHeader | undefined {
    this.#countMapBytes();
    const draft = this.#draft;
    if (draft === undefined || draft.size < BLOCK_SIZE) {
      throw dataLoss("a sparse map is longer than its entry");
    }
    draft.size -= BLOCK_SIZE;
    const numbers = this.#mapText.push(block);
    return numbers === undefined
      ? undefined
      : withMap(this.#takeDraft(), numbers);
  }

  #countMapBytes(): void {
    this.#mapBytes += BLOCK_SIZE;
    if (this.#mapBytes > MAX_EXTENSION_BYTES) {
      throw dataLoss(
        `a sparse map is larger than "${MAX_EXTENSION_BYTES}" bytes`,
      );
    }
  }

  #takeDraft(): DraftHeader {
    const draft = this.#draft;
    if (draft === undefined) throw dataLoss("a sparse map has no entry");
    this.#draft = undefined;
    return draft;
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

function withMap(header: DraftHeader, numbers: readonly number[]): TarHeader {
  header.sparse = sparseSegments(numbers, header.size, header.realSize);
  return header;
}

function readRealSize(block: Uint8Array): number {
  return readCount(block, GNU_MAP.realSize, 12);
}

function paddingOf(size: number): number {
  return (BLOCK_SIZE - size % BLOCK_SIZE) % BLOCK_SIZE;
}
