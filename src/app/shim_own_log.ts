/** Where our shim writes what it has to say. */

import { openFifo } from "../sys/descriptors.ts";

/**
 * The FIFO that the daemon, or containerd, reads. Its restart must not break
 * the pipe, nor its absence hold anybody up.
 * @returns a descriptor; undefined if there is none in the bundle
 */
export function openShimLog(bundle: string): number | undefined {
  try {
    const path = `${bundle}/log`;
    return Deno.statSync(path).isFifo ? openFifo(path, "readWrite") : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
