/** A logger that this command starts, and not the container's shim. */

import type { Context } from "../../base/context.ts";
import { EngineError } from "../../base/errors.ts";
import { within } from "../../base/within.ts";
import {
  closeFd,
  makeFifo,
  makePipe,
  openFifo,
  setBlocking,
} from "../../sys/descriptors.ts";
import type { Poller } from "../../sys/poller.ts";
import { spawn } from "../../sys/process.ts";

/** What it reads. Until this is disposed it does not find the shim gone. */
export interface OwnLogger extends Disposable {
  /** Paths of FIFOs. */
  readonly stdout: string;
  readonly stderr: string;
}

export interface OwnLoggerOptions {
  /** Of the container. */
  readonly id: string;
  /** Of the FIFOs' paths. */
  readonly prefix: string;
}

const READY_MS = 10_000;

/**
 * It outlives us, and ends when all who write have gone.
 * @param command as a shim starts it: output comes on descriptor 3, errors on
 * 4; 5 is closed when it is ready
 * @throws {EngineError} `deadlineExceeded` if that does not happen
 */
export async function startLogger(
  { namespace }: Context,
  poller: Poller,
  [path = "", ...args]: readonly string[],
  { id, prefix }: OwnLoggerOptions,
): Promise<OwnLogger> {
  using held = new DisposableStack();
  using theirs = new DisposableStack();
  const [stdout, stderr] = [`${prefix}-stdout`, `${prefix}-stderr`];
  const outputs = [stdout, stderr].map((path) => {
    makeOwnFifo(path);
    held.adopt(openFifo(path, "readWrite"), closeFd);
    return theirs.adopt(openFifo(path, "read"), closeFd);
  });
  const ready = makePipe();
  theirs.adopt(ready.write, closeFd);
  using own = new DisposableStack();
  own.adopt(ready.read, closeFd);
  spawn({
    ...{ path, args },
    env: Object.entries({
      ...Deno.env.toObject(),
      CONTAINER_ID: id,
      CONTAINER_NAMESPACE: namespace,
    }).map(([name, value]) => `${name}=${value}`),
    ...{ stdin: "null", stdout: "null", stderr: "null" },
    ...{ processGroup: "own", session: "new" },
    extra: [...outputs, ready.write],
  });
  theirs.dispose();
  if (!await isReady(poller, ready.read)) throw notReady(path, id);
  const kept = held.move();
  return { stdout, stderr, [Symbol.dispose]: () => kept.dispose() };
}

/** That of the container's last life goes. */
export function makeOwnFifo(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  makeFifo(path, 0o600);
}

/** It says so, or has gone. */
async function isReady(poller: Poller, fd: number): Promise<boolean> {
  setBlocking(fd, "nonblocking");
  const { promise, resolve } = Promise.withResolvers<void>();
  using _watch = poller.watch(fd, "readable", () => resolve());
  return await within(READY_MS, promise);
}

function notReady(path: string, id: string): EngineError {
  return new EngineError(
    "deadlineExceeded",
    `Cannot start logger "${path}" of container "${id}": it is not ready`,
  );
}
