/**
 * A process of a shim whose standard streams are shown on ours: by FIFOs,
 * because that is what every shim understands.
 */

import type { StdioAddresses } from "../../core/shim.ts";
import type { Leaving, TaskStdio } from "../../core/task.ts";
import { makeFifo, openFifo } from "../../sys/descriptors.ts";
import type { Poller } from "../../sys/poller.ts";
import { makeRaw, type TerminalSize } from "../../sys/pty.ts";
import { passTyping } from "../../sys/typing.ts";
import { type Copy, startCopy } from "./copy.ts";
import { type Endpoint, openOwnStream, owned } from "./own_streams.ts";

/** What the process's keeper has to be told meanwhile. */
export interface StdioEvents {
  closeStdin(): void;
  resize(size: TerminalSize): void;
}

/** Disposing gives back our streams as they were, and removes the FIFOs. */
export interface OurStdio extends Disposable {
  readonly addresses: StdioAddresses;
  /** The process runs: it gets our input and our terminal's size. */
  begin(events: StdioEvents): void;
  /**
   * Settles when what the process, which has ended, has written is on our
   * streams, as far as it comes. Shims give up the rest soon after they are
   * asked to delete a process: one must not ask before.
   */
  caughtUp(): Promise<void>;
  /** Settles when the streams have ended, and all is on ours. */
  drained(): Promise<void>;
  /** Settles when its user has typed what leaves it; maybe never. */
  readonly left: Promise<void>;
  /** It goes on, and somebody else keeps its streams. */
  handOver(pid: number): void;
}

/**
 * @param directory where the FIFOs are made; it may exist
 * @param name unique there
 */
export function openOurStdio(
  poller: Poller,
  stdio: TaskStdio,
  { directory, name }: { readonly directory: string; readonly name: string },
  leaving?: Leaving,
): OurStdio {
  Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  return new FifoStdio(poller, stdio, `${directory}/${name}`, leaving);
}

class FifoStdio implements OurStdio {
  readonly addresses: StdioAddresses;
  readonly #poller: Poller;
  readonly #stdio: TaskStdio;
  readonly #owned = new DisposableStack();
  readonly #outputs: readonly Copy[];
  readonly #input: Endpoint | undefined;
  readonly #leaving: Leaving | undefined;
  readonly #left = Promise.withResolvers<void>();
  #output: Endpoint | undefined;

  constructor(
    poller: Poller,
    stdio: TaskStdio,
    prefix: string,
    leaving?: Leaving,
  ) {
    this.#poller = poller;
    this.#stdio = stdio;
    this.#leaving = leaving;
    const isTerminal = stdio.kind === "terminal";
    const path = (suffix: string) => `${prefix}-${suffix}`;
    this.addresses = {
      stdin: stdio.stdin === "null" ? "" : path("stdin"),
      stdout: path("stdout"),
      // A terminal has one stream for both.
      stderr: isTerminal ? "" : path("stderr"),
      terminal: isTerminal,
    };
    try {
      const { stdin, stdout, stderr } = this.addresses;
      // Held at both ends: opening does not wait for the shim, writing never
      // finds it gone.
      if (stdin !== "") this.#input = this.#open(stdin, "readWrite");
      this.#outputs = [[stdout, 1], [stderr, 2]].flatMap(([path, fd]) =>
        typeof path !== "string" || path === "" || typeof fd !== "number"
          ? []
          : [this.#show(path, fd)]
      );
    } catch (error) {
      this.#owned.dispose();
      throw error;
    }
  }

  begin(events: StdioEvents): void {
    if (this.#input !== undefined) void this.#feed(this.#input, events);
    if (this.#stdio.kind === "terminal") this.#followSize(events);
  }

  async caughtUp(): Promise<void> {
    await Promise.all(this.#outputs.map((copy) => copy.caughtUp()));
  }

  async drained(): Promise<void> {
    await Promise.all(this.#outputs.map((copy) => copy.ended));
  }

  get left(): Promise<void> {
    return this.#left.promise;
  }

  handOver(pid: number): void {
    const [output, input] = [this.#output?.fd, this.#input?.fd];
    if (output === undefined) return;
    this.#leaving?.keep({
      ...{ pid, output },
      ...input === undefined ? {} : { input },
    });
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }

  async #feed(input: Endpoint, events: StdioEvents): Promise<void> {
    if (this.#stdio.kind === "terminal" && Deno.stdin.isTerminal()) {
      this.#owned.use(makeRaw(0));
    }
    const leaving = this.#leaving;
    if (leaving !== undefined) {
      const filter = (typed: Uint8Array<ArrayBuffer>) => leaving.filter(typed);
      const end = await passTyping(this.#poller, input.fd, filter);
      if (end === "detach") this.#left.resolve();
      return;
    }
    const ours = this.#owned.use(openOwnStream(0, "read"));
    const copy = this.#owned.use(startCopy(this.#poller, ours, input));
    const end = await copy.ended;
    // A terminal's input has no end: shims hang it up, output and all.
    if (end !== "endOfFile" || this.#stdio.kind === "terminal") return;
    input[Symbol.dispose]();
    events.closeStdin();
  }

  #followSize({ resize }: StdioEvents): void {
    const tell = () => {
      try {
        resize(Deno.consoleSize());
      } catch {
        // There is no terminal to see it on: it may have any size.
      }
    };
    tell();
    Deno.addSignalListener("SIGWINCH", tell);
    this.#owned.defer(() => Deno.removeSignalListener("SIGWINCH", tell));
  }

  #show(path: string, fd: number): Copy {
    const from = this.#open(path, "read");
    this.#output ??= from;
    const to = this.#owned.use(openOwnStream(fd, "write"));
    return this.#owned.use(startCopy(this.#poller, from, to));
  }

  #open(path: string, access: "read" | "readWrite"): Endpoint {
    makeFifo(path, 0o600);
    this.#owned.defer(() => Deno.removeSync(path));
    return this.#owned.use(owned(openFifo(path, access)));
  }
}
