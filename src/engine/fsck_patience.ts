/** What others are just doing looks like damage for a moment. */

const PATIENCE_MS = 1000;
const PAUSE_MS = 50;

/** Waits for a second, however many things it is asked about. */
export class FsckPatience {
  #leftMs = PATIENCE_MS;

  /** @returns false as soon as `isSo` does; true if that goes on */
  async lasts(isSo: () => boolean | Promise<boolean>): Promise<boolean> {
    for (;;) {
      if (!await isSo()) return false;
      if (this.#leftMs <= 0) return true;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      this.#leftMs -= PAUSE_MS;
    }
  }
}
