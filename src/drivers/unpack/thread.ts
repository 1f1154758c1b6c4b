import { EngineError, internal } from "../../base/errors.ts";
import type { Order, Report } from "./messages.ts";

/** A thread that carries out one order at a time. */
export class Thread implements Disposable {
  readonly #worker: Worker;
  #pending: PromiseWithResolvers<Report> | undefined;

  constructor(url: string | URL, name: string) {
    this.#worker = new Worker(url, { type: "module", name });
    this.#worker.onmessage = ({ data }: MessageEvent<Report>) => {
      this.#settle((pending) => pending.resolve(data));
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const error = internal(`Cannot go on unpacking: ${event.message}`);
      this.#settle((pending) => pending.reject(error));
    };
  }

  run(order: Order): Promise<Report> {
    if (this.#pending !== undefined) {
      throw internal("Cannot give a busy thread an order");
    }
    this.#pending = Promise.withResolvers<Report>();
    this.#worker.postMessage(order);
    return this.#pending.promise;
  }

  #settle(how: (pending: PromiseWithResolvers<Report>) => void): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) how(pending);
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
    this.#settle((pending) =>
      pending.reject(new EngineError("cancelled", "Unpacking was stopped"))
    );
  }
}
