/** What V8 has to do once only: the code caches of all parts. */

import type { Bundle } from "./bundle.ts";
import { codeCaches, hideFlags, rehearsedCaches } from "./code_cache.ts";
import { isMap } from "./folders.ts";
import { type GroupedParts, groupParts } from "./groups.ts";
import type { Contents } from "./pack.ts";
import type { Scene } from "./rehearsal.ts";
import type { Play } from "./rehearsal_stage.ts";
import { RUN_ARGS, V8_FLAGS } from "./runtime_settings.ts";
import { stageScript } from "./stage.ts";

/** By the names of the parts, what V8 makes of them. */
export type Caches = ReadonlyMap<string, Uint8Array>;

export interface Compiled {
  /** Whether the first stage finds in it what takes caches. */
  readonly operations: "open" | "closed";
  readonly caches: Caches;
}

export async function allCaches(
  base: string,
  { bundles, firstStage }: Contents,
): Promise<Caches> {
  const caches = await Promise.all([
    codeCaches([base, ...RUN_ARGS], [stageScript(firstStage)], "all"),
    ...Object.entries(bundles).map(([entry, bundle]) =>
      cachesOf(base, bundle, groupParts(entry, bundle))
    ),
  ]);
  return new Map(caches.flatMap((caches) => [...caches]));
}

async function cachesOf(
  base: string,
  { main, functions }: Bundle,
  { groups, rest, places }: GroupedParts,
): Promise<Caches> {
  const scripts = [...groups, ...rest].filter((part) => !isMap(part));
  const command = [base, ...RUN_ARGS];
  if (functions === "all" || functions === "first") {
    return await codeCaches(command, scripts, functions);
  }
  const all = await codeCaches(command, scripts, "all");
  const called = await calledCaches(base, functions, { main, scripts, places });
  for (const [name, cache] of called) {
    hideFlags(cache, all.get(name) ?? cache);
  }
  return new Map([...all, ...called]);
}

/** None where the scene can't be played: all works, but not as soon. */
async function calledCaches(
  base: string,
  scene: Scene,
  play: Play,
): Promise<Caches> {
  // An ordinary user's would become another process.
  if (Deno.uid() !== 0) return new Map();
  try {
    return await rehearsedCaches(base, V8_FLAGS, scene, play);
  } catch (error) {
    const text = `Compiled all of the ${scene}: no rehearsal. ${error}\n`;
    Deno.stderr.writeSync(new TextEncoder().encode(text));
    return new Map();
  }
}
