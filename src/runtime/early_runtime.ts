/**
 * A runtime that starts up while its spec is being made. It takes 4 ms until
 * it reads that; there it finds a pipe of ours, and waits.
 *
 * Killed, we leave nothing that waits: with our end of the pipe closed, the
 * runtime reads that there is no spec, and leaves. That is why it is no FIFO:
 * who opens one of those waits for somebody to write, be there anybody or not.
 */

import { closeFd, makePipe, openFifo, writeSome } from "../sys/descriptors.ts";
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

/** Disposing ends a runtime that has not been told to go on. */
export class EarlyRuntime implements AsyncDisposable {
  readonly #file: string;
  readonly #child: Child;
  /** Both ends. Undefined once it is closed. */
  #pipe: number | undefined;
  #state: "waits" | "works" | "killed" = "waits";

  private constructor(file: string, child: Child, pipe: number) {
    this.#file = file;
    this.#child = child;
    this.#pipe = pipe;
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
      const pipe = openPipe();
      undo.defer(() => closeFd(pipe));
      // Through it the runtime opens a reading end, as long as we live.
      Deno.symlinkSync(`/proc/${Deno.pid}/fd/${pipe}`, file);
      undo.defer(() => Deno.removeSync(file));
      const early = new EarlyRuntime(file, begin(options), pipe);
      undo.move();
      return early;
    } catch {
      return undefined;
    }
  }

  /**
   * Has it go on, now that the file has taken the pipe's place.
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
    return this.#pipe !== undefined &&
      writeSome(this.#pipe, spec) === spec.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== "waits") return;
    this.#state = "killed";
    // Should what we kill not be the runtime itself, that finds nothing then.
    removePipe(this.#file);
    sendSignal(this.#child.pid, SIGNALS.SIGKILL);
    await this.#child.wait();
    this.#close();
  }

  #close(): void {
    if (this.#pipe !== undefined) closeFd(this.#pipe);
    this.#pipe = undefined;
  }
}

/** Both ends as one descriptor, whose writes don't wait. */
function openPipe(): number {
  const { read, write } = makePipe();
  try {
    return openFifo(`/proc/self/fd/${read}`, "readWrite");
  } finally {
    closeFd(read);
    closeFd(write);
  }
}

/** Unless the spec has taken its place. */
function removePipe(file: string): void {
  try {
    if (Deno.lstatSync(file).isSymlink) Deno.removeSync(file);
  } catch {
    // The bundle has gone.
  }
}
