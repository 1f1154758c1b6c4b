/** Bytes that wait to be sent, in the pieces in which they came. */

export class OutQueue {
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  /** @param bytes no more than there are */
  take(bytes: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    let whole = 0;
    let left = bytes;
    for (const piece of this.#pieces) {
      if (left === 0) break;
      if (piece.length > left) {
        taken.push(piece.subarray(0, left));
        this.#pieces[whole] = piece.subarray(left);
        left = 0;
        break;
      }
      taken.push(piece);
      whole++;
      left -= piece.length;
    }
    this.#pieces.splice(0, whole);
    this.#bytes -= bytes;
    return taken;
  }

  clear(): void {
    this.#pieces.length = 0;
    this.#bytes = 0;
  }
}
