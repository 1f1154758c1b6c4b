/**
 * A process that takes a shim's place while there is nothing for that to do: it
 * is the parent of the container's process, holds what the shim will need, and
 * becomes the shim when something happens. It takes 100 kB where a shim takes
 * 8 MB, and is there in a millisecond.
 */

import { closeFd, makePipe, openToRead, writeSome } from "../descriptors.ts";
import { coldSymbols } from "../libc.ts";
import { makeMemoryFile } from "../memory_file.ts";
import {
  type Child,
  type ChildStatus,
  decodeStatus,
  sendSignal,
  spawn,
  type SpawnOptions,
  waitFor,
} from "../process.ts";
import { STAND_IN_FDS } from "./code.ts";
import { standInImage } from "./image.ts";

const SIGKILL = 9;

const readSymbols = coldSymbols({
  read: {
    parameters: ["i32", "buffer", "usize"],
    result: "i32",
    nonblocking: true,
  },
});

export interface StandInOptions {
  /** What it starts first, as a child of its own. */
  readonly runtime: Pick<
    SpawnOptions,
    "path" | "args" | "stdin" | "stdout" | "stderr"
  >;
  /** Arguments of this executable, its name among them, that make it the shim. */
  readonly shim: readonly string[];
  /** `NAME=value`, of all of them. */
  readonly env: readonly string[];
  /** What the shim can read at `STAND_IN_FDS.order`. */
  readonly order: string;
  /** Descriptors that the shim gets: the lock that it holds, … */
  readonly lock: number;
  /** … and what is polled, from `STAND_IN_FDS.others` on. */
  readonly polled: readonly number[];
}

/** Of whoever started it, until he lets it go. */
export class StandIn implements Child {
  readonly pid: number;
  readonly #status: number;
  readonly #order: number;
  #isOurs = true;

  private constructor(pid: number, status: number, order: number) {
    this.pid = pid;
    this.#status = status;
    this.#order = order;
  }

  /** @throws {SysError} where programs may not be in memory */
  static start(options: StandInOptions): StandIn {
    using undo = new DisposableStack();
    const own = (fd: number) => {
      undo.defer(() => closeFd(fd));
      return fd;
    };
    const status = makePipe();
    own(status.write);
    const order = makePipe();
    own(order.read);
    const text = new TextEncoder().encode(options.order);
    const [name = "", ...args] = options.shim;
    const handed = [
      own(makeMemoryFile("stand-in", imageOf(options), "program")),
      own(makeMemoryFile("order", text, "data")),
      own(openToRead("/proc/self/exe")),
      options.lock,
      own(openToRead("/dev/null")),
      status.write,
      order.read,
      ...options.polled,
    ];
    try {
      const { pid } = spawn({
        ...options.runtime,
        path: `/proc/self/fd/${STAND_IN_FDS.program}`,
        name,
        args,
        env: options.env,
        // What lies where we are must not be held busy.
        cwd: "/",
        processGroup: "own",
        session: "new",
        extra: handed,
      });
      return new StandIn(pid, status.read, order.write);
    } catch (error) {
      closeFd(status.read);
      closeFd(order.write);
      throw error;
    }
  }

  /** How the runtime ended; killed, if the stand-in has gone before. */
  async wait(): Promise<ChildStatus> {
    const word = new Int32Array(1);
    const count = await readSymbols().read(this.#status, word, 4n);
    return count === 4
      ? decodeStatus(word[0] ?? 0)
      : { kind: "signalled", signal: SIGKILL };
  }

  /** The container runs: from now on it is on its own. */
  keep(pid: number): void {
    writeSome(this.#order, new Uint8Array(new Int32Array([pid]).buffer));
    this.#letGo();
  }

  /** There is something to do for the shim already. */
  become(): void {
    this.#letGo();
  }

  /** Ends one that has not been let go. */
  async end(): Promise<void> {
    if (!this.#isOurs) return;
    sendSignal(this.pid, SIGKILL);
    this.#letGo();
    await waitFor(this.pid);
  }

  #letGo(): void {
    this.#isOurs = false;
    closeFd(this.#status);
    closeFd(this.#order);
  }
}

function imageOf({ runtime, shim, polled }: StandInOptions) {
  return standInImage({
    runtime: { path: runtime.path, argv: [runtime.path, ...runtime.args] },
    // What has its path by then may be another version, or nothing.
    shim: { path: `/proc/self/fd/${STAND_IN_FDS.executable}`, argv: shim },
    name: "coracle",
    polled: polled.map((_, index) => STAND_IN_FDS.others + index),
  });
}
