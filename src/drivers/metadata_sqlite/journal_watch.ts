import type { Store } from "./store.ts";

/** A change is noticed at once; this is for file systems that don't tell. */
const POLL_MS = 1_000;

/**
 * Tells when the journal may have grown. Changes of this process are told by
 * the store; those of others are seen as writes to the write-ahead log, so
 * that whoever writes pays nothing for those who watch.
 */
export class JournalWatch implements AsyncDisposable {
  readonly #resources = new DisposableStack();
  readonly #watcher: Deno.FsWatcher | undefined;
  readonly #watching: Promise<void>;
  readonly #signal: AbortSignal;
  #pending = false;
  #wake: () => void = () => {};

  constructor(store: Store, signal: AbortSignal) {
    this.#signal = signal;
    const notify = () => this.#notify();
    this.#resources.use(store.onEvents(notify));
    signal.addEventListener("abort", notify);
    this.#resources.defer(() => signal.removeEventListener("abort", notify));
    // The log is there as long as a connection, ours, has read once.
    this.#watcher = watchFile(`${store.db.path}-wal`);
    this.#watching = this.#watch();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#resources.dispose();
    this.#watcher?.close();
    await this.#watching;
  }

  /** Waits for a change since the last call, for the signal, or a while. */
  async changed(): Promise<void> {
    if (!this.#pending && !this.#signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, POLL_MS);
      this.#wake = resolve;
      await promise;
      clearTimeout(timer);
    }
    this.#pending = false;
  }

  #notify(): void {
    this.#pending = true;
    this.#wake();
  }

  async #watch(): Promise<void> {
    for await (const event of this.#watcher ?? []) {
      if (event.kind === "modify") this.#notify();
    }
  }
}

function watchFile(path: string): Deno.FsWatcher | undefined {
  try {
    return Deno.watchFs(path, { recursive: false });
  } catch {
    // The number of watches is limited per user: polling does as well.
    return undefined;
  }
}
