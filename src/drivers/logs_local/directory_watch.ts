/** Tells when something changed in a directory, without looking again. */

/** Only for file systems that don't tell, and users with too many watches. */
const POLL_MS = 1_000;

/** What a writer does. */
const CHANGES: ReadonlySet<Deno.FsEvent["kind"]> = new Set([
  "any",
  "create",
  "modify",
  "rename",
  "remove",
]);

export class DirectoryWatch implements AsyncDisposable {
  readonly #signals: readonly AbortSignal[];
  readonly #watcher: Deno.FsWatcher | undefined;
  readonly #watching: Promise<void>;
  readonly #notify = () => {
    this.#isPending = true;
    this.#wake();
  };
  #isPending = false;
  #wake: () => void = () => {};

  /** @param signals also wake those who wait */
  constructor(path: string, signals: readonly AbortSignal[]) {
    this.#signals = signals;
    for (const signal of signals) {
      signal.addEventListener("abort", this.#notify);
    }
    this.#watcher = watch(path);
    this.#watching = this.#watch();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const signal of this.#signals) {
      signal.removeEventListener("abort", this.#notify);
    }
    this.#watcher?.close();
    await this.#watching;
  }

  /** Settles when something has changed since the last call, or a signal fired. */
  async changed(): Promise<void> {
    if (!this.#isPending && !this.#signals.some(({ aborted }) => aborted)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = this.#watcher === undefined
        ? setTimeout(resolve, POLL_MS)
        : undefined;
      this.#wake = resolve;
      await promise;
      clearTimeout(timer);
    }
    this.#isPending = false;
  }

  async #watch(): Promise<void> {
    for await (const { kind } of this.#watcher ?? []) {
      if (CHANGES.has(kind)) this.#notify();
    }
  }
}

function watch(path: string): Deno.FsWatcher | undefined {
  try {
    return Deno.watchFs(path, { recursive: false });
  } catch {
    // The number of watches is limited per user, or nothing is there yet.
    return undefined;
  }
}
