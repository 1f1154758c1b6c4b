/** When a shim ends: nobody else ends it. */

/** So long it stays without anything to keep; containerd tells it sooner. */
const IDLE_MS = 60_000;

/** So long a shim waits for a container that was announced. */
const EXPECT_MS = 10_000;

export class Lifetime implements Disposable {
  readonly #over = Promise.withResolvers<void>();
  #containers = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #expected = 0;

  constructor() {
    this.counted(0);
  }

  /** Settles when it is time. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  get isIdle(): boolean {
    return this.#containers === 0 && this.#expected === 0;
  }

  /** Somebody was told that this shim is there: a container may come. */
  expect(): void {
    this.#expected++;
    setTimeout(() => this.#expected--, EXPECT_MS);
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
