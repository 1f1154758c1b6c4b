/** When a shim ends: nobody else ends it. */

/** So long it stays without anything to keep; containerd tells it sooner. */
const IDLE_MS = 60_000;

export class Lifetime implements Disposable {
  readonly #over = Promise.withResolvers<void>();
  #containers = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.counted(0);
  }

  /** Settles when it is time. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  get isIdle(): boolean {
    return this.#containers === 0;
  }

  /** So many containers are kept now. */
  counted(containers: number): void {
    this.#containers = containers;
    clearTimeout(this.#timer);
    if (containers === 0) this.#timer = setTimeout(() => this.end(), IDLE_MS);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#over.resolve();
  }

  /** Whoever asks in passing does not take a keeper from its containers. */
  endIfIdle(): void {
    if (this.isIdle) this.end();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
