/** What is typed at our terminal, for a descriptor of somebody else's. */

import { writeSome } from "./descriptors.ts";
import type { Poller } from "./poller.ts";

const READ_BYTES = 4096;

/**
 * Passes on what is typed until there is no more, nobody reads it any more, or
 * the filter has seen what it looks for.
 * @param to does not block
 * @param filter what to pass on
 */
export async function passTyping(
  poller: Poller,
  to: number,
  filter: (
    typed: Uint8Array<ArrayBuffer>,
  ) => Uint8Array<ArrayBuffer> | "detach",
): Promise<"detach" | "ended"> {
  const buffer = new Uint8Array(READ_BYTES);
  for (;;) {
    const count = await Deno.stdin.read(buffer);
    if (count === null) return "ended";
    const passed = filter(buffer.subarray(0, count));
    if (passed === "detach") return "detach";
    if (!await writeAll(poller, to, passed)) return "ended";
  }
}

/** @returns false if nobody reads it */
async function writeAll(
  poller: Poller,
  to: number,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  for (let rest = bytes; rest.length > 0;) {
    const count = writeSome(to, rest);
    if (count === "broken") return false;
    if (count === "again") await writable(poller, to);
    else rest = rest.subarray(count);
  }
  return true;
}

async function writable(poller: Poller, fd: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  using _watch = poller.watch(fd, "writable", () => resolve());
  await promise;
}
