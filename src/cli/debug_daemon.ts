/** What the commands below `coracle debug` have in common. */

import { usualConfig } from "../app/config.ts";
import { daemonAddress } from "../app/daemon_address.ts";
import { askEither, type DebugQuestion } from "../app/observe/ask_either.ts";
import { storePaths } from "../app/paths.ts";
import { alreadyExists } from "../base/errors.ts";
import type { Invocation } from "./command.ts";
import { writeWholeFile } from "./whole_file.ts";

const OWNER_ONLY = 0o600;

/** Writes the answer to standard output. @returns the exit code */
export async function showAnswer(
  inv: Invocation,
  question: DebugQuestion,
): Promise<number> {
  const socket = await debugSocket(inv);
  using answer = await askEither(socket, question, inv.ctx.signal);
  for await (const piece of answer.body) inv.stdout.write(piece);
  return 0;
}

/** By which tools know what is in a file. */
interface Extensions {
  /** Chrome's developer tools. */
  readonly ours: string;
  /** What it is of, for people: `go tool pprof` looks into the file. */
  readonly go: string;
}

/**
 * Writes the answer to a file that only its owner can read: what was in the
 * daemon's memory may be secret.
 * @returns the exit code
 */
export async function keepAnswer(
  inv: Invocation,
  question: DebugQuestion,
  extensions: Extensions,
): Promise<number> {
  const output = inv.flags.string("output");
  if (output === "-") return await showAnswer(inv, question);
  const askedAt = inv.now();
  const socket = await debugSocket(inv);
  using answer = await askEither(socket, question, inv.ctx.signal);
  const path = output ?? await freePath(askedAt, extensions[answer.format]);
  await writeWholeFile(path, answer.body, OWNER_ONLY);
  inv.stdout.line(path);
  if (answer.format === "go") {
    inv.stderr.line(`It is in pprof's format: go tool pprof ${path} shows it`);
  }
  return 0;
}

/** @throws {EngineError} `alreadyExists`: another was made in this second */
async function freePath(askedAt: Date, extension: string): Promise<string> {
  const time = askedAt.toISOString().replace(/\.\d+Z$/, "Z");
  const path = `coracle-${time.replaceAll(":", "")}.${extension}`;
  if (await Deno.lstat(path).catch(() => undefined) === undefined) return path;
  throw alreadyExists("file", path, { hint: "Name another with --output" });
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
  const { findDebugSocket } = await import("../app/debug_socket.ts");
  return await findDebugSocket(address);
}

function isThere(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSocket === true;
  } catch {
    return false;
  }
}
