/**
 * V8's code cache of the parts: what it makes of a text before it runs it, so
 * that the first stage need not have the text parsed at each start.
 *
 * V8 takes a cache only from its own version under its own flags, and compiles
 * the text if it does not take it: it costs time, then, and nothing else.
 */

import type { Part } from "./bundle.ts";
import type { Scene } from "./rehearsal.ts";
import type { Play } from "./rehearsal_stage.ts";
import { run } from "./run.ts";

/**
 * `all`: every function, for what ends soon. `first`: only what runs when the
 * part is loaded, for what stays and is to be small. A scene: those that are
 * called when it is rehearsed; of parts that are not loaded then, all.
 */
export type CachedFunctions = "all" | "first" | Scene;

/** Where the hash of the flags is in a cache, after version and source. */
const FLAG_HASH_AT = 12;
const FLAG_HASH_BYTES = 4;

const REHEARSAL = new URL("./rehearsal.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** Runs in the runtime: texts in, caches out. */
const MAKER = `
import { Script } from "node:vm";
const texts = await new Response(Deno.stdin.readable).json();
const caches = texts.map((text) => new Script(text).createCachedData());
const lines = caches.map((cache) => new Uint8Array(cache).toBase64());
await new Response(lines.join("\\n")).body.pipeTo(Deno.stdout.writable);
`;

/**
 * @param command the runtime, and the arguments that it will be started with
 * @returns by the names of the parts
 */
export async function codeCaches(
  command: readonly string[],
  parts: readonly Part[],
  functions: "all" | "first",
): Promise<ReadonlyMap<string, Uint8Array>> {
  const texts = parts.map(({ text }) => text);
  const caches = await make(command, texts);
  if (functions === "all") {
    const whole = await make([...command, "--v8-flags=--no-lazy"], texts);
    caches.forEach((cache, index) => hideFlags(whole[index], cache));
    return named(parts, whole);
  }
  return named(parts, caches);
}

/**
 * What V8 has compiled when a scene has been played.
 * @param runtime path of it
 * @param v8Flags the argument with the flags that it will be started with
 * @param play the scripts, and which part is loaded first
 * @returns by the names of the scripts that were loaded
 * @throws {Error} if it can't be played here
 */
export async function rehearsedCaches(
  runtime: string,
  v8Flags: string,
  scene: Scene,
  play: Play,
): Promise<ReadonlyMap<string, Uint8Array>> {
  // What has not been called for a while is there, too.
  const flags = `${v8Flags},--no-flush-bytecode`;
  const args = ["run", flags, "-A", `--config=${CONFIG}`, REHEARSAL];
  const told = await run(runtime, [...args, scene], "/", JSON.stringify(play));
  const caches: Readonly<Record<string, string>> = JSON.parse(
    told.slice(told.lastIndexOf("\n") + 1),
  );
  return new Map(
    Object.entries(caches).map(([name, cache]) =>
      [name, Uint8Array.fromBase64(cache)] as const
    ),
  );
}

/** Flags with which a cache was made are not to be set when it is used. */
export function hideFlags(
  cache: Uint8Array | undefined,
  like: Uint8Array,
): void {
  const hash = like.subarray(FLAG_HASH_AT, FLAG_HASH_AT + FLAG_HASH_BYTES);
  cache?.set(hash, FLAG_HASH_AT);
}

function named(
  parts: readonly Part[],
  caches: readonly Uint8Array[],
): ReadonlyMap<string, Uint8Array> {
  const none = new Uint8Array();
  return new Map(parts.map(({ name }, index) => [name, caches[index] ?? none]));
}

async function make(
  [program = "", ...args]: readonly string[],
  texts: readonly string[],
): Promise<Uint8Array[]> {
  const script = new TextEncoder().encode(MAKER).toBase64();
  const url = `data:text/javascript;base64,${script}`;
  const lines = await run(program, [...args, url], "/", JSON.stringify(texts));
  return lines.split("\n").map((line) => Uint8Array.fromBase64(line));
}
