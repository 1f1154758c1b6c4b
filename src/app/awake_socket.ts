/** Connecting to shims, also to those that sleep. */

import { unavailable } from "../base/errors.ts";
import { closeFd, openFifo, writeSome } from "../sys/descriptors.ts";
import { connectUnix } from "./unix_socket.ts";

/** How often one that wakes up is looked for, and for how long. */
const LOOK_MS = 2;
const MOST_LOOKS = 5000;

export interface SleepyAddress {
  /** `unix://` and an absolute path. */
  readonly address: string;
  /** FIFO that wakes whoever listens there, if he may sleep. */
  readonly wake?: string;
}

/** @throws {EngineError} `unavailable` if nobody is there, awake or asleep */
export async function connectAwake(
  { address, wake }: SleepyAddress,
): Promise<Deno.UnixConn> {
  for (let looks = 0;; looks++) {
    // Asked before it is called: one that has just got up does not sleep.
    const sleeps = looks > 0 && wake !== undefined && wakeUp(wake);
    try {
      return await connectUnix(address);
    } catch (cause) {
      const mayCome = wake !== undefined && (looks === 0 || sleeps);
      if (!mayCome || looks > MOST_LOOKS) {
        throw unavailable(`Cannot reach the shim at "${address}"`, {
          cause,
          hint: "It has ended: the next command cleans up after it",
        });
      }
      if (looks > 0) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    }
  }
}

/** @returns false if nobody sleeps there */
function wakeUp(fifo: string): boolean {
  try {
    const fd = openFifo(fifo, "write");
    writeSome(fd, new Uint8Array(1));
    closeFd(fd);
    return true;
  } catch {
    return false;
  }
}
