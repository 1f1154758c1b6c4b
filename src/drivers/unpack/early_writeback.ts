import { syncFileSystem } from "../../sys/fs.ts";

/** Between the end of one sync and the start of the next. */
const PAUSE_MS = 300;

/**
 * Keeps the disk writing while layers are unpacked, which the kernel by itself
 * would put off for half a minute: then little is left for the barrier at the
 * end to wait for.
 */
export class EarlyWriteback {
  #users = 0;
  #running: Promise<void> | undefined;
  #endPause: () => void = () => {};

  /** @param path of what is being written; nothing is done without one */
  during(path: string | undefined): Disposable {
    if (path === undefined) return { [Symbol.dispose]: () => {} };
    this.#users++;
    this.#running ??= this.#run(path);
    return { [Symbol.dispose]: () => void this.#users-- };
  }

  /** Ends it, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#users = 0;
    this.#endPause();
    await this.#running;
  }

  async #run(path: string): Promise<void> {
    for (;;) {
      await this.#pause();
      if (this.#users === 0) break;
      // Whether it worked is for the barrier to find out.
      await syncFileSystem(path).catch(() => {});
    }
    this.#running = undefined;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, PAUSE_MS);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
