// deno-lint-ignore-file require-await -- remote stores have this interface too

import { dataLoss, EngineError } from "../../base/errors.ts";
import type { Digest } from "../../base/digest.ts";
import type { ContentReader } from "../../core/content.ts";

/** Reads a committed blob; one position, so reads are put in a row. */
export class LocalContentReader implements ContentReader {
  readonly size: number;
  readonly #file: Deno.FsFile;
  readonly #digest: Digest;

  private constructor(file: Deno.FsFile, size: number, digest: Digest) {
    this.#file = file;
    this.size = size;
    this.#digest = digest;
  }

  /** @throws {EngineError} `dataLoss` if the blob is not where it should be */
  static open(path: string, digest: Digest): LocalContentReader {
    try {
      const file = Deno.openSync(path);
      return new LocalContentReader(file, file.statSync().size, digest);
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      throw dataLoss(`Cannot open content "${digest}": its file is gone`, {
        cause,
        hint: "Run `coracle fsck --repair`, then pull the image again",
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#file.close();
  }

  async readAt(buffer: Uint8Array, offset: number): Promise<number> {
    if (offset > this.size || offset < 0) {
      throw new EngineError(
        "outOfRange",
        `Cannot read content "${this.#digest}" at ${offset}: it has ` +
          `${this.size} bytes`,
      );
    }
    return this.#readAt(buffer, offset);
  }

  // Seek and read in one go, so that concurrent calls don't mix.
  #readAt(buffer: Uint8Array, offset: number): number {
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < buffer.length) {
      const length = this.#file.readSync(buffer.subarray(filled));
      if (length === null) break;
      filled += length;
    }
    return filled;
  }
}
