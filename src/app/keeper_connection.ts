/** Calling a shim of ours. */

import { remoteKeeper } from "../api/remote/keeper.ts";
import { unavailable } from "../base/errors.ts";
import type { Keeper, ShimRecord } from "../core/keeper.ts";
import { TtrpcClient } from "../rpc/ttrpc/client.ts";
import { closeFd, openFifo, writeSome } from "../sys/descriptors.ts";
import { connectUnix } from "./unix_socket.ts";

/** How often one that wakes up is looked for, and for how long. */
const LOOK_MS = 2;
const MOST_LOOKS = 5000;

/** @throws {EngineError} `unavailable` */
export async function connectKeeper(
  shim: ShimRecord,
): Promise<Keeper & AsyncDisposable> {
  const client = new TtrpcClient(await reach(shim));
  return {
    ...remoteKeeper(client),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** Wakes it if it sleeps. */
async function reach(shim: ShimRecord): Promise<Deno.UnixConn> {
  for (let looks = 0;; looks++) {
    // Asked before it is called: one that has just got up does not sleep.
    const sleeps = looks > 0 && wake(shim);
    try {
      return await connectUnix(shim.address);
    } catch (cause) {
      if (looks === 0) continue;
      if (sleeps && looks < MOST_LOOKS) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        continue;
      }
      throw unavailable(`Cannot reach the shim at "${shim.address}"`, {
        cause,
      });
    }
  }
}

/** @returns false if nobody sleeps there */
function wake({ wake }: ShimRecord): boolean {
  if (wake === undefined) return false;
  try {
    const fd = openFifo(wake, "write");
    writeSome(fd, new Uint8Array(1));
    closeFd(fd);
    return true;
  } catch {
    return false;
  }
}
