/**
 * The first stage in the packed executable. The start-up code of the
 * executable passes what reads it to the runtime as a `data:` URL, so nothing
 * is extracted and no descriptor is left open; the same URL with a fragment is
 * the first stage of a Worker, the fragment being the entry's name.
 *
 * The parts, one for each chunk of each bundle, lie in the executable itself.
 * They are scripts rather than modules: the runtime parses every module twice
 * (its own parser costs 0.17 ms per KiB), a script only V8 reads, lazily.
 */

import { Compiler } from "./compiler.ts";
import { type Program, programFor, runToExit } from "./first_stage.ts";
import { useLightTimers } from "./light_timers.ts";
import { VERSION } from "./self.ts";
import type { StackMapper } from "./stack_trace.ts";

/** What the build puts in front of this file. */
type StageInfo = PackedInfo | CompiledInfo;

/** Entry → the part to load first. */
type Entries = Readonly<Record<string, string>>;

interface PackedInfo {
  readonly entries: Entries;
  readonly folders: Readonly<Record<string, Folder>>;
  /** V8 has not taken the code cache of this stage. */
  readonly isRefused?: boolean;
  /** `open`: the runtime gives the operations that its modules are made of. */
  readonly operations: "open" | "closed";
  /** Prefixes of the variables that the start-up code hid. */
  readonly hiddenEnv: readonly string[];
  /** Of those, what stays hidden: it would change what we do later on. */
  readonly refusedEnv: readonly string[];
  /** Names of the variables that the start-up code set. */
  readonly addedEnv: readonly string[];
}

/** Made by `deno compile`: the parts are embedded files. */
interface CompiledInfo {
  readonly entries: Entries;
  /** The entry of a Worker; absent in the process's first stage. */
  readonly start?: string;
}

declare const STAGE: StageInfo;

interface Span {
  /** Bytes from the beginning of the executable. */
  readonly offset: number;
  readonly bytes: number;
}

/** Where parts are that are named `FOLDER/…`, or `FOLDER/….map`. */
interface Folder {
  /** Of the `Index`, as JSON. */
  readonly index: Span;
  /**
   * Groups of parts, each of which is read at once: many small reads cost more
   * than a large one.
   */
  readonly together: readonly Span[];
}

/**
 * Part → its offset, and the bytes of its code cache and, behind that, text; or
 * the script that it is in, and which of the functions there it is.
 */
type Index = Readonly<
  Record<string, readonly [number, number, number] | InGroup>
>;

type InGroup = readonly [string, number];

type Exports = Readonly<Record<string, unknown>>;

/** A part is a function of the loader and of its `import.meta`. */
type Part = (
  load: (specifier: string) => Promise<Exports>,
  meta: Partial<ImportMeta>,
) => Promise<Exports>;

interface PackedPart {
  readonly text: string;
  /** What V8 made of it when it was packed; empty if that is not known. */
  readonly codeCache: Uint8Array;
}

/** Where the parts are. */
interface PartStore {
  readonly entries: Entries;
  /** Undefined of a part that is a script of its own. */
  place(part: string): InGroup | undefined;
  read(part: string): PackedPart;
  workerUrl(entry: string): string;
}

class PackedParts implements PartStore {
  readonly entries: Entries;
  readonly #folders: PackedInfo["folders"];
  readonly #opened = new Map<string, PackedFolder>();

  constructor({ entries, folders }: PackedInfo) {
    this.entries = entries;
    this.#folders = folders;
  }

  place(part: string): InGroup | undefined {
    return this.#folder(part).place(part);
  }

  read(part: string): PackedPart {
    return this.#folder(part).read(part);
  }

  #folder(part: string): PackedFolder {
    const name = part.slice(0, part.indexOf("/")) +
      (part.endsWith(".map") ? ".map" : "");
    let folder = this.#opened.get(name);
    if (folder === undefined) {
      const found = this.#folders[name];
      if (found === undefined) throw noPart(part);
      folder = new PackedFolder(found);
      this.#opened.set(name, folder);
    }
    return folder;
  }

  workerUrl(entry: string): string {
    return `${import.meta.url.replace(/#.*/, "")}#${entry}`;
  }
}

class PackedFolder {
  readonly #index: Index;
  readonly #together: readonly Span[];
  /** Of those that have been read. */
  readonly #bytes = new Map<Span, Uint8Array>();

  constructor({ index, together }: Folder) {
    this.#index = JSON.parse(new TextDecoder().decode(readSpan(index)));
    this.#together = together;
  }

  place(part: string): InGroup | undefined {
    const place = this.#index[part];
    return place?.length === 2 ? place : undefined;
  }

  read(part: string): PackedPart {
    const place = this.#index[part];
    if (place?.length !== 3) throw noPart(part);
    const [offset, cacheBytes, textBytes] = place;
    const bytes = this.#find({ offset, bytes: cacheBytes + textBytes });
    return {
      codeCache: bytes.subarray(0, cacheBytes),
      text: new TextDecoder().decode(bytes.subarray(cacheBytes)),
    };
  }

  #find(span: Span): Uint8Array {
    const group = this.#together.find(({ offset, bytes }) =>
      span.offset >= offset && span.offset < offset + bytes
    );
    if (group === undefined) return readSpan(span);
    const bytes = this.#bytes.get(group) ?? readSpan(group);
    this.#bytes.set(group, bytes);
    const start = span.offset - group.offset;
    return bytes.subarray(start, start + span.bytes);
  }
}

function noPart(part: string): Error {
  return new Error(`Cannot find part "${part}" in this executable`);
}

function readSpan({ offset, bytes }: Span): Uint8Array {
  using file = Deno.openSync("/proc/self/exe");
  file.seekSync(offset, Deno.SeekMode.Start);
  const buffer = new Uint8Array(bytes);
  for (let filled = 0; filled < bytes;) {
    const count = file.readSync(buffer.subarray(filled));
    if (count === null) throw new Error("Cannot read parts: file too short");
    filled += count;
  }
  return buffer;
}

function compiledParts({ entries }: CompiledInfo): PartStore {
  const url = (path: string) => new URL(path, import.meta.url);
  return {
    entries,
    place: () => undefined,
    read: (part) => ({
      text: Deno.readTextFileSync(url(`./parts/${part}`)),
      codeCache: new Uint8Array(),
    }),
    workerUrl: (entry) => url(`./stage_${entry}.js`).href,
  };
}

/** The entry that this stage is to start; undefined to choose a program. */
function startEntry(): string | undefined {
  return "folders" in STAGE ? import.meta.url.split("#")[1] : STAGE.start;
}

let store: PartStore | undefined;

function parts(): PartStore {
  return store ??= "folders" in STAGE
    ? new PackedParts(STAGE)
    : compiledParts(STAGE);
}

const loaded = new Map<string, Promise<Exports>>();
let mapper: StackMapper | undefined;

/** @param name for instance `cli/chunk-A2.js` */
function loadPart(name: string): Promise<Exports> {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const directory = name.slice(0, name.lastIndexOf("/") + 1);
  const part = partOf(name);
  const exports = part(
    (specifier) => loadPart(directory + specifier.replace(/^\.\//, "")),
    { url: `coracle:///${name}`, main: false },
  );
  loaded.set(name, exports);
  return exports;
}

let compiler: Compiler | undefined;

/** What the scripts of groups are: arrays of parts. */
const groups = new Map<string, readonly unknown[]>();

function partOf(name: string): Part {
  const place = parts().place(name);
  if (place === undefined) return evaluate(name) as Part;
  const [script, index] = place;
  let group = groups.get(script);
  if (group === undefined) {
    group = evaluate(script) as readonly unknown[];
    groups.set(script, group);
  }
  return group[index] as Part;
}

function evaluate(name: string): unknown {
  const { text, codeCache } = parts().read(name);
  const url = `coracle:///${name}`;
  return compiler === undefined || codeCache.length === 0
    ? (0, eval)(`${text}\n//# sourceURL=${url}`)
    : compiler.evaluate(text, url, codeCache);
}

async function loadEntry(entry: string): Promise<Exports> {
  const name = parts().entries[entry];
  if (name === undefined) {
    throw new Error(
      `Cannot start "${entry}": this executable does not have it`,
    );
  }
  if ("operations" in STAGE && STAGE.operations === "open") {
    compiler = await Compiler.open();
  }
  return await loadPart(name);
}

/** Shows positions in the sources; the map is read when a stack is. */
function mapStacks(): void {
  Error.prepareStackTrace = (error: Error, frames: unknown[]) => {
    try {
      mapper ??= (0, eval)(
        parts().read("stack_trace/map.js").text,
      ) as StackMapper;
      return mapper(error, frames as never, (part) => parts().read(part).text);
    } catch {
      return [error, ...frames].join("\n    at ");
    }
  };
}

/** Gives the process the environment back that the start-up code changed. */
function restoreEnvironment(
  { addedEnv, hiddenEnv, refusedEnv }: PackedInfo,
): void {
  for (const name of addedEnv) Deno.env.delete(name);
  const begins = (prefixes: readonly string[], variable: string) =>
    prefixes.some((prefix) => variable.startsWith(prefix));
  const given = `\0${Deno.readTextFileSync("/proc/self/environ")}`;
  // Mostly there is none of them, and there may be many others.
  if (!hiddenEnv.some((prefix) => given.includes(`\0${prefix}`))) return;
  for (const variable of given.split("\0")) {
    if (!begins(hiddenEnv, variable) || begins(refusedEnv, variable)) continue;
    const equals = variable.indexOf("=");
    if (equals < 1) continue;
    Deno.env.set(variable.slice(0, equals), variable.slice(equals + 1));
  }
}

/** The name we were called by, which the runtime does not tell. */
function argv0(): string {
  const line = Deno.readTextFileSync("/proc/self/cmdline");
  return line.slice(0, line.indexOf("\0"));
}

/** Scripts ask often, so it is answered before anything is read. */
function asksForVersion([first, ...rest]: readonly string[]): boolean {
  return rest.length === 0 && (first === "version" || first === "--version");
}

/** @returns if it could; else the program itself fails at it, and says why */
function writeVersion(): boolean {
  const line = new TextEncoder().encode(`coracle version ${VERSION}\n`);
  try {
    return Deno.stdout.writeSync(line) === line.length;
  } catch {
    return false;
  }
}

async function startProgram(): Promise<void> {
  const name = programFor(argv0(), Deno.args);
  if (name === "cli" && asksForVersion(Deno.args) && writeVersion()) return;
  if ("folders" in STAGE) restoreEnvironment(STAGE);
  const load = async () => await loadEntry(name) as unknown as Program;
  await runToExit(load, Deno.args);
}

Object.assign(globalThis, {
  [Symbol.for("coracle.package")]: {
    workerUrl: (entry: string) => parts().workerUrl(entry),
    mayExist: (path: string) => compiler?.mayExist(path) ?? true,
    // For a test of the packer.
    refusedCaches: () =>
      "isRefused" in STAGE && STAGE.isRefused
        ? ["stage", ...compiler?.refused ?? []]
        : compiler?.refused,
  },
});
mapStacks();
useLightTimers();
const entry = startEntry();
await (entry === undefined ? startProgram() : loadEntry(entry));
