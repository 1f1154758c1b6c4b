import { EngineError } from "../../base/errors.ts";
import type { SparseSegment, TarHeader } from "../../oci/tar/header.ts";
import { SysError } from "../../sys/errno.ts";
import {
  closeFd,
  type Errno,
  type Fd,
  seekTo,
  setSize,
  writeAll,
} from "../../sys/fs.ts";

/** Writes the data of one file at a time, its holes left out. */
export class FileWriter implements Disposable {
  #fd: Fd = -1;
  #header: TarHeader | undefined;
  #segment = 0;
  /** Bytes of the current segment that were written. */
  #written = 0;

  /** Takes over `fd`. */
  begin(fd: Fd, header: TarHeader): void {
    this.#fd = fd;
    this.#header = header;
    this.#segment = 0;
    this.#written = 0;
  }

  get isOpen(): boolean {
    return this.#fd >= 0;
  }

  write(chunk: Uint8Array): void {
    const map = this.#header?.sparse;
    if (map === undefined) this.#check(writeAll(this.#fd, chunk));
    else this.#writeSegments(map, chunk);
  }

  #writeSegments(map: readonly SparseSegment[], chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      const segment = map[this.#segment];
      if (segment === undefined) {
        throw new EngineError("dataLoss", "a sparse map ends before the data");
      }
      if (this.#written === 0) this.#check(seekTo(this.#fd, segment.offset));
      const length = Math.min(
        segment.length - this.#written,
        chunk.length - at,
      );
      this.#check(writeAll(this.#fd, chunk.subarray(at, at + length)));
      at += length;
      this.#written += length;
      if (this.#written === segment.length) {
        this.#segment++;
        this.#written = 0;
      }
    }
  }

  /** Ends the file; `finish` may still change it before it is closed. */
  end(finish: (fd: Fd, header: TarHeader) => void): void {
    const header = this.#header;
    if (header === undefined || this.#fd < 0) return;
    if (header.sparse !== undefined) {
      this.#check(setSize(this.#fd, header.realSize));
    }
    finish(this.#fd, header);
    this[Symbol.dispose]();
  }

  #check(failed: Errno): void {
    if (failed === 0) return;
    throw new SysError("write", failed, this.#header?.name ?? "");
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) closeFd(this.#fd);
    this.#fd = -1;
    this.#header = undefined;
  }
}
