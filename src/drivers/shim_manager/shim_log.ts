/** What a daemon's shims say, in the daemon's own log. */

import { LineSplitter } from "../../base/container_log/line_splitter.ts";
import type { Logger } from "../../base/log.ts";
import {
  closeFd,
  makeFifo,
  openFifo,
  readSome,
} from "../../sys/descriptors.ts";
import type { Poller } from "../../sys/poller.ts";
import { LOG } from "./bundle_files.ts";
import { parseLogLine } from "./log_line.ts";

/** Time for a shim to say why it ends, or that it can't. */
const LAST_WORDS_MS = 5_000;
const BUFFER_BYTES = 16 * 1024;

/** Disposing still reads what comes until the shim has ended. */
export type ShimLog = Disposable;

/**
 * Reads the FIFO of a bundle from now on, and makes it if there is none.
 * @param log gets each line; says whose it is
 */
export function followShimLog(
  poller: Poller,
  log: Logger,
  bundle: string,
): ShimLog {
  const path = `${bundle}/${LOG}`;
  try {
    const found = look(path);
    if (found === undefined) makeFifo(path, 0o600);
    // A plain file: its shim was started without anybody to read it.
    else if (!found.isFifo) return NOTHING;
    return new FollowedLog(poller, log, openFifo(path, "read"));
  } catch (error) {
    // A shim that nobody hears keeps its container all the same.
    log.warn("Cannot read the log of a shim", { error });
    return NOTHING;
  }
}

const NOTHING: ShimLog = { [Symbol.dispose]() {} };

class FollowedLog implements ShimLog {
  readonly #fd: number;
  readonly #lines: LineSplitter;
  readonly #stack = new DisposableStack();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(poller: Poller, log: Logger, fd: number) {
    const decoder = new TextDecoder();
    this.#fd = fd;
    this.#lines = new LineSplitter((_stream, bytes, start, end) => {
      const line = decoder.decode(bytes.subarray(start, end)).trimEnd();
      if (line !== "") passOn(log, line);
    });
    this.#stack.defer(() => closeFd(fd));
    this.#stack.use(poller.watch(fd, "readable", () => this.#read()));
  }

  #read(): void {
    // Shims say little: nothing is kept for what they may say.
    const buffer = new Uint8Array(BUFFER_BYTES);
    try {
      const count = readSome(this.#fd, buffer);
      if (count === "again") return;
      if (count === 0) this.#close();
      else this.#lines.push("stderr", buffer.subarray(0, count));
    } catch {
      this.#close();
    }
  }

  #close(): void {
    if (this.#stack.disposed) return;
    clearTimeout(this.#timer);
    this.#stack.dispose();
    this.#lines.finish();
  }

  [Symbol.dispose](): void {
    if (this.#stack.disposed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#close(), LAST_WORDS_MS);
    Deno.unrefTimer(this.#timer as unknown as number);
  }
}

function passOn(log: Logger, line: string): void {
  const { level, message, fields } = parseLogLine(line);
  // Whose it is, is known better here.
  const { id: _id, namespace: _namespace, ...rest } = fields;
  log[level](message, rest);
}

function look(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}
