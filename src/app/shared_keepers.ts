/**
 * One shim for all containers of a namespace (`shim.grouping = "namespace"`):
 * less memory, but what ends that shim ends them all.
 */

import type { Context } from "../base/context.ts";
import { EngineError, hasCode } from "../base/errors.ts";
import type { Keepers, KeepRequest, PendingShim } from "../core/keeper.ts";
import { START_FAILURE, TaskStartError } from "../core/start_failure.ts";
import { createKeepers, spawnShim } from "./keepers.ts";
import { isThere } from "../sys/is_there.ts";

/** @param directory of the shims' sockets; made if need be */
export function createSharedKeepers(
  env: () => readonly string[],
  directory: string,
): Keepers {
  const { connect } = createKeepers(env);
  return {
    connect,
    spawn(namespace, id, bundle) {
      const socket = `${directory}/${namespace}.sock`;
      const spawn = () => spawnShim(env(), { namespace, id, bundle }, socket);
      return new SharedShim({ connect, socket, spawn });
    },
  };
}

interface SharedShimDeps {
  readonly connect: Keepers["connect"];
  readonly socket: string;
  readonly spawn: () => PendingShim;
}

class SharedShim implements PendingShim {
  readonly #deps: SharedShimDeps;
  /** If there seems to be none yet. */
  #early: PendingShim | undefined;

  constructor(deps: SharedShimDeps) {
    this.#deps = deps;
    if (!isThere(deps.socket)) this.#early = deps.spawn();
  }

  async launch(ctx: Context, request: KeepRequest): Promise<number> {
    const { socket } = this.#deps;
    const joined = await this.#join(ctx, request);
    if (joined !== undefined) return joined;
    makeDirectory(socket.slice(0, socket.lastIndexOf("/")));
    using lock = openLock(`${socket}.lock`);
    await lock.lock(true);
    // Somebody else may have started one meanwhile.
    return await this.#join(ctx, request) ?? await this.#begin(ctx, request);
  }

  [Symbol.dispose](): void {
    this.#early?.[Symbol.dispose]();
    this.#early = undefined;
  }

  /** Undefined if there is no shim, or it is about to end. */
  async #join(ctx: Context, request: KeepRequest): Promise<number | undefined> {
    const { connect, socket } = this.#deps;
    const record = { address: `unix://${socket}`, pid: 0, version: 3 };
    try {
      await using keeper = await connect(ctx, record);
      return await keeper.launch(ctx, request);
    } catch (error) {
      if (hasCode(error, "unavailable")) return undefined;
      throw startFailure(error);
    }
  }

  async #begin(ctx: Context, request: KeepRequest): Promise<number> {
    const { socket, spawn } = this.#deps;
    removeIfThere(socket);
    using shim = this.#early ?? spawn();
    this.#early = undefined;
    return await shim.launch(ctx, request);
  }
}

/** What came over the socket has lost its exit code. */
function startFailure(thrown: unknown): EngineError {
  const error = EngineError.from(thrown);
  const exitCode = error.code === "notFound"
    ? START_FAILURE.notFound
    : error.code === "permissionDenied"
    ? START_FAILURE.notExecutable
    : START_FAILURE.engine;
  return new TaskStartError(exitCode, error.message, { cause: error });
}

function makeDirectory(path: string): void {
  Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
}

function openLock(path: string): Deno.FsFile {
  return Deno.openSync(path, { write: true, create: true });
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
