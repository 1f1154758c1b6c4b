/**
 * A runtime that starts up while its bundle is being made. It takes 4 ms until
 * it reads the spec; there it finds a FIFO, and waits.
 *
 * Killed, we leave nothing that waits: with our end of the FIFO closed, the
 * runtime reads that there is no spec, and leaves.
 */

import { closeFd, makeFifo, openFifo, writeSome } from "../sys/descriptors.ts";
import {
  type Child,
  type ChildStatus,
  sendSignal,
  spawn,
  type SpawnOptions,
} from "../sys/process.ts";
import { SIGNALS } from "../sys/signals.ts";

/**
 * One that wants the end of the file, as runc does not, gets it after that:
 * who knows what is called runc.
 */
const PATIENCE_MS = 1000;

/** Of a bundle. */
const SPEC = "config.json";

/** As any spec, it has secrets in it. */
const MODE = 0o600;

/** Disposing ends a runtime that has not been told to go on. */
export class EarlyRuntime implements AsyncDisposable {
  readonly #bundle: string;
  readonly #child: Child;
  /** Undefined once it is closed. */
  #fifo: number | undefined;
  #state: "waits" | "works" | "killed" = "waits";

  private constructor(bundle: string, child: Child, fifo: number) {
    this.#bundle = bundle;
    this.#child = child;
    this.#fifo = fifo;
  }

  /**
   * @param bundle its directory, without a spec
   * @param options of the runtime, which is told that bundle
   */
  static start(bundle: string, options: SpawnOptions): EarlyRuntime {
    const path = `${bundle}/${SPEC}`;
    makeFifo(path, MODE);
    // Both ends, so that the runtime's open does not wait for one of them.
    const fifo = openFifo(path, "readWrite");
    try {
      return new EarlyRuntime(bundle, spawn(options), fifo);
    } catch (error) {
      closeFd(fifo);
      throw error;
    }
  }

  /**
   * Has it go on, now that the spec has taken the FIFO's place.
   * @returns how it ended; undefined if it could not be told, and is gone
   */
  async finish(): Promise<ChildStatus | undefined> {
    // It may come only now, and read the file itself: both say the same.
    const spec = Deno.readFileSync(`${this.#bundle}/${SPEC}`);
    if (!this.#tell(spec)) {
      await this[Symbol.asyncDispose]();
      return undefined;
    }
    this.#state = "works";
    const timer = setTimeout(() => this.#close(), PATIENCE_MS);
    const status = await this.#child.wait();
    clearTimeout(timer);
    this.#close();
    return status;
  }

  /** @returns false if it is longer than what a pipe holds */
  #tell(spec: Uint8Array<ArrayBuffer>): boolean {
    return this.#fifo !== undefined &&
      writeSome(this.#fifo, spec) === spec.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== "waits") return;
    this.#state = "killed";
    sendSignal(this.#child.pid, SIGNALS.SIGKILL);
    await this.#child.wait();
    this.#close();
  }

  #close(): void {
    if (this.#fifo !== undefined) closeFd(this.#fifo);
    this.#fifo = undefined;
  }
}
