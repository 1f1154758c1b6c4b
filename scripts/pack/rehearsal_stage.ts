/** Where parts are played before V8's caches are made of what they called. */

import type { Part } from "./bundle.ts";
import type { GroupedParts } from "./groups.ts";

const { constants, Script } = await import("node:vm");

/** What is played. */
export interface Play {
  /** Name of the part that is loaded first. */
  readonly main: string;
  /** Groups of parts, and parts that are alone. */
  readonly scripts: readonly Part[];
  readonly places: GroupedParts["places"];
}

/** What a program's first part exports. */
export interface Program {
  /** @returns exit code */
  main(args: readonly string[]): Promise<number>;
}

type Exports = Readonly<Record<string, unknown>>;
type Load = (specifier: string) => Promise<Exports>;
type Run = (load: Load, meta: Partial<ImportMeta>) => Promise<Exports>;

/** Loads parts as `src/app/packed_stage.ts` does, and keeps their scripts. */
export class Stage {
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
