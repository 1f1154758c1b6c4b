/**
 * Starts the daemon from its parts as the executable does, asks what clients
 * ask first, and says what V8 has compiled by then.
 *
 * `deno run -A rehearsal.ts <PLAY >CACHES`, both JSON: a `Play`, and the
 * code caches in base64 by the names of the scripts that were loaded.
 */

import { ContainersDefinition } from "../../proto/gen/containerd/services/containers/v1/containers.ts";
import { TasksDefinition } from "../../proto/gen/containerd/services/tasks/v1/tasks.ts";
import { VersionDefinition } from "../../proto/gen/containerd/services/version/v1/version.ts";
import { GrpcClient } from "../../src/rpc/grpc/client.ts";
import type { Part } from "./bundle.ts";
import type { GroupedParts } from "./groups.ts";

export interface Play {
  /** Name of the part that is loaded first. */
  readonly main: string;
  /** Groups of parts, and parts that are alone. */
  readonly scripts: readonly Part[];
  readonly places: GroupedParts["places"];
}

const { constants, Script } = await import("node:vm");

type Exports = Readonly<Record<string, unknown>>;
type Load = (specifier: string) => Promise<Exports>;
type Run = (load: Load, meta: Partial<ImportMeta>) => Promise<Exports>;

/** A build does not wait for ever for a daemon that does not start. */
const MOST_MS = 30_000;
const PAUSE_MS = 5;
/** What of the environment is none of the daemon's settings. */
const KEPT = ["HOME", "PATH", "TMPDIR"];

/** Loads parts as `src/app/packed_stage.ts` does, and keeps their scripts. */
class Stage {
  readonly #texts: ReadonlyMap<string, string>;
  readonly #places: Play["places"];
  readonly #scripts = new Map<string, InstanceType<typeof Script>>();
  readonly #groups = new Map<string, readonly Run[]>();
  readonly #loaded = new Map<string, Promise<Exports>>();

  constructor({ scripts, places }: Play) {
    this.#texts = new Map(scripts.map(({ name, text }) => [name, text]));
    this.#places = places;
  }

  load(name: string): Promise<Exports> {
    let exports = this.#loaded.get(name);
    if (exports === undefined) {
      exports = this.#run(name);
      this.#loaded.set(name, exports);
    }
    return exports;
  }

  /** In base64, by the names of the scripts. */
  caches(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      [...this.#scripts].map(([name, script]) =>
        [name, new Uint8Array(script.createCachedData()).toBase64()] as const
      ),
    );
  }

  #run(name: string): Promise<Exports> {
    const run = this.#part(name);
    const directory = name.slice(0, name.lastIndexOf("/") + 1);
    return run(
      (specifier) => this.load(directory + specifier.replace(/^\.\//, "")),
      { url: `coracle:///${name}`, main: false },
    );
  }

  #part(name: string): Run {
    const place = this.#places[name];
    if (place === undefined) return this.#evaluate(name) as Run;
    const [script, index] = place;
    let group = this.#groups.get(script);
    if (group === undefined) {
      group = this.#evaluate(script) as readonly Run[];
      this.#groups.set(script, group);
    }
    const run = group[index];
    if (run === undefined) throw new Error(`No part "${name}" in "${script}"`);
    return run;
  }

  #evaluate(name: string): unknown {
    const script = new Script(this.#texts.get(name) ?? "", {
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    this.#scripts.set(name, script);
    return script.runInThisContext();
  }
}

async function rehearse(play: Play): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-rehearsal-" });
  try {
    const stage = new Stage(play);
    const program = await stage.load(play.main) as {
      main(args: readonly string[]): Promise<number>;
    };
    const path = `${dir}/s`;
    const ended = program.main(
      ["daemon", "--root", `${dir}/root`, "--state", dir, "--address", path],
    );
    const code = await Promise.race([ended, ask(path)]);
    if (code !== undefined) throw new Error(`The daemon ended with ${code}`);
    return JSON.stringify(stage.caches());
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function ask(path: string): Promise<undefined> {
  while (!await isThere(path)) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  await using client = new GrpcClient({ path });
  const options = { metadata: { "containerd-namespace": "default" } };
  await client.stub(VersionDefinition).version({});
  await client.stub(ContainersDefinition).list({ filters: [] }, options);
  await client.stub(TasksDefinition).list({ filter: "" }, options);
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Nothing of this host's settings, nor of who started the build. */
function forgetEnvironment(): void {
  for (const name of Object.keys(Deno.env.toObject())) {
    if (!KEPT.includes(name)) Deno.env.delete(name);
  }
  Deno.env.set("CORACLE_CONFIG", "/nonexistent");
}

if (import.meta.main) {
  setTimeout(() => Deno.exit(1), MOST_MS);
  const given = await new Response(Deno.stdin.readable).json() as Play;
  forgetEnvironment();
  // What is loaded only in the executable is to be there.
  Object.assign(globalThis, { [Symbol.for("coracle.package")]: {} });
  const caches = new TextEncoder().encode(await rehearse(given));
  for (let at = 0; at < caches.length;) {
    at += Deno.stdout.writeSync(caches.subarray(at));
  }
  // The daemon has been told nothing: it ends with this process.
  Deno.exit(0);
}
