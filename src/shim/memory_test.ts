import { assertEquals } from "@std/assert";
import { MemoryKeeper } from "./memory.ts";

const WORTH_BYTES = 1_000;
/** Longer than a test takes: what waits for it does not happen. */
const EVER_MS = 1_000_000;
const SOON_MS = 20;

Deno.test("MemoryKeeper gives back when it has been quiet for a while", async () => {
  using kept = new Kept(EVER_MS);
  kept.keeper.used();
  kept.keeper.used();
  await kept.givenBack();
  await soon();
  assertEquals(kept.times, 1);
});

Deno.test("MemoryKeeper waits before it gives back little again", async () => {
  using kept = new Kept(2 * SOON_MS);
  kept.keeper.used();
  await kept.givenBack();
  kept.keeper.used();
  kept.bytes += WORTH_BYTES - 1;
  await soon();
  assertEquals(kept.times, 1);
  kept.ms += 2 * SOON_MS;
  await kept.givenBack();
  assertEquals(kept.times, 2);
});

Deno.test("MemoryKeeper gives back at once again what is worth it", async () => {
  using kept = new Kept(EVER_MS);
  kept.keeper.used();
  await kept.givenBack();
  kept.keeper.used();
  kept.bytes += WORTH_BYTES;
  await kept.givenBack();
  assertEquals(kept.times, 2);
});

class Kept implements Disposable {
  readonly keeper: MemoryKeeper;
  ms = 0;
  bytes = 0;
  times = 0;
  #next = Promise.withResolvers<void>();

  constructor(leastBetweenMs: number) {
    this.keeper = new MemoryKeeper({
      now: () => new Date(this.ms),
      policy: { quietMs: 1, leastBetweenMs, worthBytes: WORTH_BYTES },
      residentBytes: () => this.bytes,
      giveBack: () => {
        this.times++;
        this.#next.resolve();
        this.#next = Promise.withResolvers();
      },
    });
  }

  /** Settles when it does so the next time. */
  async givenBack(): Promise<void> {
    // Timers of a keeper are no reason for a process to stay.
    const awake = setTimeout(() => {}, EVER_MS);
    await this.#next.promise;
    clearTimeout(awake);
  }

  [Symbol.dispose](): void {
    this.keeper[Symbol.dispose]();
  }
}

function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SOON_MS));
}
