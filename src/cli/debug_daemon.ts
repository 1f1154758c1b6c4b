/** What the commands below `coracle debug` have in common. */

import { askDaemon } from "../app/observe/ask.ts";
import { usualConfig } from "../app/config.ts";
import { daemonAddress } from "../app/daemon_address.ts";
import { storePaths } from "../app/paths.ts";
import type { Invocation } from "./command.ts";

const OWNER_ONLY = 0o600;

/** Writes the answer to standard output. @returns the exit code */
export async function showAnswer(
  inv: Invocation,
  target: string,
): Promise<number> {
  const socket = await debugSocket(inv);
  using answer = await askDaemon(socket, target, inv.ctx.signal);
  for await (const piece of answer.body) inv.stdout.write(piece);
  return 0;
}

/**
 * Writes the answer to a file that only its owner can read: what was in the
 * daemon's memory may be secret.
 *
 * @param extension by which Chrome's developer tools know what it is
 * @returns the exit code
 */
export async function keepAnswer(
  inv: Invocation,
  target: string,
  extension: string,
): Promise<number> {
  const output = inv.flags.string("output");
  if (output === "-") return await showAnswer(inv, target);
  const time = inv.now().toISOString().replace(/\.\d+Z$/, "Z");
  const path = output ?? `coracle-${time.replaceAll(":", "")}.${extension}`;
  const socket = await debugSocket(inv);
  using answer = await askDaemon(socket, target, inv.ctx.signal);
  const part = `${path}.part`;
  try {
    const options = { write: true, create: true, truncate: true };
    using file = await Deno.open(part, { ...options, mode: OWNER_ONLY });
    for await (const piece of answer.body) await writeAll(file, piece);
    await Deno.rename(part, path);
  } catch (error) {
    await Deno.remove(part).catch(() => {});
    throw error;
  }
  inv.stdout.line(path);
  return 0;
}

/** What was asked for, or the one of the store's daemon. */
async function debugSocket(inv: Invocation): Promise<string> {
  const named = inv.flags.string("socket");
  if (named?.startsWith("/")) return named;
  if (named !== undefined) return `${Deno.cwd()}/${named}`;
  const address = inv.global.address || inv.env("CONTAINERD_ADDRESS");
  if (address) return await askedSocket(address);
  const uid = Deno.uid() ?? 0;
  const config = await usualConfig(inv.env, uid);
  const { state } = storePaths(inv.env, uid, inv.global, config);
  const usual = `${state}/debug.sock`;
  // The daemon may have another state directory, or its configuration says so.
  return isThere(usual)
    ? usual
    : await askedSocket(await daemonAddress(inv.env, inv.global));
}

async function askedSocket(address: string): Promise<string> {
  const { findDebugSocket } = await import("../app/daemon_client.ts");
  return await findDebugSocket(address);
}

function isThere(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSocket === true;
  } catch {
    return false;
  }
}

async function writeAll(
  file: Deno.FsFile,
  bytes: Uint8Array,
): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}
