/**
 * A runtime that starts up while its spec is being made. It takes 4 ms until
 * it reads that; there it finds a FIFO, and waits.
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
import type { OciRuntime } from "./oci_runtime.ts";

/** One that wants the end of the file, as runc does not, gets it after that. */
const PATIENCE_MS = 1000;

/** Whether a runtime waits at a FIFO, and reads no further than it has to. */
export function takesSpecLate({ name, path }: OciRuntime): boolean {
  try {
    // Some give runc's name to another one.
    return name === "runc" && Deno.realPathSync(path).endsWith("/runc");
  } catch {
    return false;
  }
}

/** As any spec, it has secrets in it. */
const MODE = 0o600;

/** Disposing ends a runtime that has not been told to go on. */
export class EarlyRuntime implements AsyncDisposable {
  readonly #file: string;
  readonly #child: Child;
  /** Undefined once it is closed. */
  #fifo: number | undefined;
  #state: "waits" | "works" | "killed" = "waits";

  private constructor(file: string, child: Child, fifo: number) {
    this.#file = file;
    this.#child = child;
    this.#fifo = fifo;
  }

  /**
   * @param file that the runtime will read, not there yet
   * @param options of the runtime
   * @param begin how it is started
   * @returns undefined if it can't be: whoever starts it later learns why
   */
  static start(
    file: string,
    options: SpawnOptions,
    begin: (options: SpawnOptions) => Child = spawn,
  ): EarlyRuntime | undefined {
    using undo = new DisposableStack();
    try {
      makeFifo(file, MODE);
      undo.defer(() => Deno.removeSync(file));
      // Both ends, so that the runtime's open does not wait for one of them.
      const fifo = openFifo(file, "readWrite");
      undo.defer(() => closeFd(fifo));
      const early = new EarlyRuntime(file, begin(options), fifo);
      undo.move();
      return early;
    } catch {
      return undefined;
    }
  }

  /**
   * Has it go on, now that the file has taken the FIFO's place.
   * @returns how it ended; undefined if it could not be told, and is gone
   */
  async finish(): Promise<ChildStatus | undefined> {
    // It may come only now, and read the file itself: both say the same.
    const spec = Deno.readFileSync(this.#file);
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
    // Should what we kill not be the runtime itself, that finds nothing then.
    removeFifo(this.#file);
    sendSignal(this.#child.pid, SIGNALS.SIGKILL);
    await this.#child.wait();
    this.#close();
  }

  #close(): void {
    if (this.#fifo !== undefined) closeFd(this.#fifo);
    this.#fifo = undefined;
  }
}

/** Unless the spec has taken its place. */
function removeFifo(file: string): void {
  try {
    if (Deno.lstatSync(file).isFifo) Deno.removeSync(file);
  } catch {
    // The bundle has gone.
  }
}
