/** A program of the user's as a log: our logger reads for it, and passes on. */

import type { LogStream } from "../base/container_log/line_splitter.ts";
import type { LogPlan } from "../base/container_log/settings.ts";
import { EngineError, failedPrecondition } from "../base/errors.ts";
import { within } from "../base/within.ts";
import { InputWriter } from "../shim/keeper/input.ts";
import { type LogProgram, startLogProgram } from "../shim/logs/log_program.ts";
import type { LogFiles } from "../shim/logs/open_log.ts";
import { setBlocking } from "../sys/descriptors.ts";
import { SysError } from "../sys/errno.ts";
import type { Poller } from "../sys/poller.ts";
import { createReaper, type Reaper } from "../sys/reaper.ts";
import type { Gate } from "./shim_log_gate.ts";

/** With more the container waits for the program. */
const MOST_WAITING_BYTES = 256 * 1024;

/**
 * How long the program may take with the rest. Shims of containerd wait 12 s
 * for a logger, as which they know us.
 */
const GOODBYE_MS = 10_000;

export interface ProgramLogDeps {
  readonly poller: Poller;
  /** Held while the program does not read. */
  readonly gate: Gate;
  readonly files: LogFiles;
}

/** @throws {EngineError} if it does not start */
export async function openProgramLog(
  deps: ProgramLogDeps,
  plan: Extract<LogPlan, { kind: "program" }>,
): Promise<ProgramLog> {
  using owned = new DisposableStack();
  const reaper = owned.use(createReaper());
  const env = Object.entries(Deno.env.toObject())
    .filter(([name]) => !name.startsWith("CONTAINER_"))
    .map(([name, value]) => `${name}=${value}`);
  const { poller, files } = deps;
  const start = startLogProgram({ poller, reaper, env }, plan, files);
  const program = await start.catch((cause) => {
    throw notStarted(plan.address, cause);
  });
  owned.move();
  return new ProgramLog(deps, program, reaper);
}

/** Of what there is no program for, a system call tells. */
function notStarted(address: string, cause: unknown): EngineError {
  const error = EngineError.from(cause);
  if (!(error instanceof SysError)) return error;
  return failedPrecondition(
    `Cannot start logger "${address}": ${error.message}`,
    { cause },
  );
}

export class ProgramLog {
  readonly #gate: Gate;
  readonly #program: LogProgram;
  readonly #reaper: Reaper;
  readonly #writers: Readonly<Record<LogStream, InputWriter>>;
  #waitingBytes = 0;

  constructor(
    { poller, gate }: ProgramLogDeps,
    program: LogProgram,
    reaper: Reaper,
  ) {
    this.#gate = gate;
    this.#program = program;
    this.#reaper = reaper;
    const { stdout, stderr } = program;
    for (const fd of [stdout, stderr]) setBlocking(fd, "nonblocking");
    this.#writers = {
      stdout: new InputWriter(poller, stdout),
      stderr: new InputWriter(poller, stderr),
    };
  }

  /**
   * Once the program has gone, it is lost: the container goes on.
   * @param chunk valid during the call only
   */
  write(stream: LogStream, chunk: Uint8Array): void {
    const { length } = chunk;
    this.#waitingBytes += length;
    if (this.#isFull) this.#gate.hold(this);
    void this.#writers[stream].write(chunk).then(() => {
      this.#waitingBytes -= length;
      if (!this.#isFull) this.#gate.letGo(this);
    });
  }

  /** Settles when the program has read all, and ended. */
  async close(): Promise<void> {
    const end = performance.now() + GOODBYE_MS;
    const writers = Object.values(this.#writers);
    const written = Promise.all(writers.map((writer) => writer.flush()));
    await within(GOODBYE_MS, written);
    for (const writer of writers) writer.close();
    await written;
    await this.#program.finish(Math.max(0, end - performance.now()));
    this.#reaper[Symbol.dispose]();
  }

  get #isFull(): boolean {
    return this.#waitingBytes > MOST_WAITING_BYTES;
  }
}
