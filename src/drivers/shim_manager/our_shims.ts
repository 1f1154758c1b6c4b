/**
 * Shims of this executable, started by the daemon: at once as the process that
 * serves, and some ahead while containers are being created.
 */

import { unavailable } from "../../base/errors.ts";
import { closeFd, makePipe, writeSome } from "../../sys/descriptors.ts";
import { openPidfd } from "../../sys/pidfd.ts";
import type { Poller } from "../../sys/poller.ts";
import { spawn, waitFor } from "../../sys/process.ts";
import { OutputPipe } from "./run_program.ts";

/** What a shim is told that is already there. */
export interface ShimOrder {
  readonly namespace: string;
  readonly id: string;
  /** Of the daemon's gRPC socket. */
  readonly address: string;
  /** The program that publishes events. */
  readonly publishBinary: string;
  readonly bundle: string;
  /** Path of the socket to listen on. */
  readonly socket: string;
  readonly logLevel: "debug" | "info";
}

export interface OurShimsDeps {
  readonly poller: Poller;
  /** This program as a shim: its path, then arguments. */
  readonly command: readonly string[];
  /** `NAME=value`, with all that a shim looks for but the namespace. */
  readonly env: () => readonly string[];
}

/** Disposing leaves the shims that keep something. */
export interface OurShims extends Disposable {
  /** Has one more ready for who comes next. @param afterMs not to be in the way */
  prepare(afterMs: number): void;
  /**
   * @returns the number of the shim's process, which listens
   * @throws {EngineError} `unavailable` with what it said
   */
  start(order: ShimOrder): Promise<number>;
}

/** A shim that nobody has wanted for so long costs memory for nothing. */
const SPARE_MS = 60_000;

/**
 * Who runs one container after the other comes back before a shim has loaded
 * that was started when the last one went.
 */
const MOST_SPARES = 2;

/** What it says when it listens. */
const READY = "ready";

export function createOurShims(deps: OurShimsDeps): OurShims {
  return new SpawnedShims(deps);
}

class SpawnedShims implements OurShims {
  readonly #deps: OurShimsDeps;
  readonly #children = new Set<Disposable>();
  /** The oldest first. */
  readonly #spares: WaitingShim[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(deps: OurShimsDeps) {
    this.#deps = deps;
  }

  prepare(afterMs: number): void {
    if (this.#isOver) return;
    clearTimeout(this.#timer);
    const later = (ms: number, work: () => void) => {
      this.#timer = setTimeout(work, ms);
      Deno.unrefTimer(this.#timer as unknown as number);
    };
    const isEnough = this.#spares.length === MOST_SPARES;
    later(isEnough ? 0 : afterMs, () => {
      if (!isEnough) this.#spares.push(this.#spawn());
      later(SPARE_MS, () => this.#drop());
    });
  }

  async start(order: ShimOrder): Promise<number> {
    const spare = this.#spares.shift();
    if (spare !== undefined) {
      using _spare = spare;
      const said = await spare.tell(order, this.#deps.poller);
      if (said === READY) return spare.pid;
      // Somebody has killed it while it waited.
      if (said !== "") throw refused(order, said);
    }
    using fresh = this.#spawn();
    const said = await fresh.tell(order, this.#deps.poller);
    if (said === READY) return fresh.pid;
    throw refused(order, said);
  }

  #spawn(): WaitingShim {
    const { command, env, poller } = this.#deps;
    const shim = new WaitingShim(command, env());
    const child = reapAtEnd(poller, shim.pid, () => {
      this.#children.delete(child);
    });
    this.#children.add(child);
    preferOverDaemon(shim.pid);
    return shim;
  }

  #drop(): void {
    for (const spare of this.#spares.splice(0)) spare[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#drop();
    for (const child of this.#children) child[Symbol.dispose]();
  }
}

/** One that has not been told anything. Disposing before lets it end. */
class WaitingShim implements Disposable {
  readonly pid: number;
  readonly #ready = new OutputPipe();
  #input: number | undefined;

  constructor(command: readonly string[], env: readonly string[]) {
    const [path = "", ...args] = command;
    const { read, write } = makePipe();
    this.#input = write;
    try {
      this.pid = spawn({
        path,
        args: [...args, "spare"],
        env,
        stdin: { fd: read },
        stdout: "null",
        stderr: "null",
        processGroup: "own",
        session: "new",
        extra: [this.#ready.write],
        cwd: "/",
      }).pid;
    } finally {
      closeFd(read);
    }
  }

  /** @returns what it says: {@link READY}, or why it can't */
  async tell(order: ShimOrder, poller: Poller): Promise<string> {
    const line = new TextEncoder().encode(`${JSON.stringify(order)}\n`);
    try {
      if (this.#input !== undefined) writeSome(this.#input, line);
    } catch {
      // It has ended: that is seen where its answer is read.
    }
    this.#closeInput();
    return new TextDecoder().decode(await this.#ready.readAll(poller));
  }

  #closeInput(): void {
    if (this.#input !== undefined) closeFd(this.#input);
    this.#input = undefined;
  }

  [Symbol.dispose](): void {
    this.#closeInput();
    this.#ready[Symbol.dispose]();
  }
}

function refused({ id }: ShimOrder, said: string) {
  return unavailable(
    `Cannot start shim for "${id}": ${said === "" ? "it ended" : said}`,
  );
}

/** A dead child stays in the way until its parent has looked at it. */
function reapAtEnd(
  poller: Poller,
  pid: number,
  ended: () => void,
): Disposable {
  const fd = openPidfd(pid);
  const stack = new DisposableStack();
  stack.defer(() => closeFd(fd));
  stack.use(poller.watch(fd, "readable", () => {
    stack[Symbol.dispose]();
    ended();
    // It has ended, so this does not wait; nobody wants to know how.
    waitFor(pid).catch(() => {});
  }));
  return stack;
}

const MOST_OOM_SCORE = 1000;

/** For the kernel to kill: rather a container than its shim, or the daemon. */
function preferOverDaemon(pid: number): void {
  try {
    const own = Number(Deno.readTextFileSync("/proc/self/oom_score_adj"));
    const score = Math.min(own + 1, MOST_OOM_SCORE);
    Deno.writeTextFileSync(`/proc/${pid}/oom_score_adj`, String(score));
  } catch {
    // Only some may; it is a preference.
  }
}
