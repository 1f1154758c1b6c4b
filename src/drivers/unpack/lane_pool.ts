import { EngineError } from "../../base/errors.ts";
import type { Lane } from "./lane.ts";

interface Waiting {
  readonly size: number;
  readonly grant: PromiseWithResolvers<Lane>;
}

/** A lane for a while; dispose it to give the lane back. */
export interface LaneTurn extends Disposable {
  readonly lane: Lane;
}

/**
 * Gives lanes to layers, the largest waiting first, so that none is left alone
 * with a large one at the end. Lanes start when needed.
 */
export class LanePool implements Disposable {
  readonly #most: number;
  readonly #start: () => Lane;
  readonly #all: Lane[] = [];
  readonly #free: Lane[] = [];
  readonly #waiting: Waiting[] = [];

  constructor(most: number, start: () => Lane) {
    this.#most = most;
    this.#start = start;
  }

  /** @param size of the layer, in bytes */
  async acquire(size: number): Promise<LaneTurn> {
    const grant = Promise.withResolvers<Lane>();
    this.#waiting.push({ size, grant });
    // Layers that are asked for together are compared before one is chosen.
    queueMicrotask(() => queueMicrotask(() => this.#assign()));
    const lane = await grant.promise;
    return {
      lane,
      [Symbol.dispose]: () => {
        this.#free.push(lane);
        this.#assign();
      },
    };
  }

  #assign(): void {
    this.#waiting.sort((a, b) => b.size - a.size);
    while (this.#waiting.length > 0) {
      const lane = this.#free.pop() ?? this.#startLane();
      if (lane === undefined) return;
      this.#waiting.shift()?.grant.resolve(lane);
    }
  }

  #startLane(): Lane | undefined {
    if (this.#all.length >= this.#most) return undefined;
    const lane = this.#start();
    this.#all.push(lane);
    return lane;
  }

  [Symbol.dispose](): void {
    for (const lane of this.#all) lane[Symbol.dispose]();
    for (const { grant } of this.#waiting) {
      grant.reject(new EngineError("cancelled", "Unpacking was stopped"));
    }
    this.#waiting.length = 0;
  }
}
