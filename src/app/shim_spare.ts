/**
 * A shim that the daemon starts before it knows for what: when a container is
 * to be created, everything has been loaded. It is told by a line on its
 * standard input, and ends if none comes.
 */

import { closeFd } from "../sys/descriptors.ts";
import { takeAsStderr } from "../sys/null_streams.ts";
import { openShimLog } from "./shim_own_log.ts";
import { serveShim } from "./shim_serve.ts";
import type { ShimFlags } from "./shim_flags.ts";
import { READY_FD } from "./shim_ready.ts";

/** @returns the exit code */
export async function serveWhenTold(): Promise<number> {
  const text = await readLine();
  if (text === "") return 0;
  const told: Omit<ShimFlags, "ready" | "action"> = JSON.parse(text);
  Deno.env.set("NAMESPACE", told.namespace);
  writeTo(openShimLog(told.bundle));
  await serveShim({ ...told, ready: READY_FD, action: "serve" });
  return 0;
}

function writeTo(log: number | undefined): void {
  if (log === undefined) return;
  takeAsStderr(log);
  closeFd(log);
}

/** Empty if the daemon has closed its end. */
async function readLine(): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.endsWith("\n")) {
    const count = await Deno.stdin.read(buffer);
    if (count === null) return "";
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  Deno.stdin.close();
  return text;
}
