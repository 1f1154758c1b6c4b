/** Bundles one entry and gives its parts, ready for the executable. */

import { basename, resolve } from "@std/path";
import type { CachedFunctions } from "./code_cache.ts";
import { run } from "./run.ts";
import { checkSource, scriptOf } from "./script.ts";

export interface Part {
  /** `cli/main.js`, `cli/chunk-A2.js`, and with `.map` behind it. */
  readonly name: string;
  readonly text: string;
}

export interface Bundle {
  /** Name of the part that is to be loaded first. */
  readonly main: string;
  readonly parts: readonly Part[];
  /** Names of parts that lie together, each group to be read at once. */
  readonly together: readonly (readonly string[])[];
  readonly functions: CachedFunctions;
}

/** What becomes a bundle. */
export interface Entry {
  /** Path of its module in the repository. */
  readonly source: string;
  /**
   * Modules that it imports later on, but nearly always; the first group is
   * wanted together with the entry itself.
   */
  readonly soon?: readonly (readonly string[])[];
  readonly functions: CachedFunctions;
}

interface BundlerOptions {
  readonly deno: string;
  /** The repository, with a slash behind it. */
  readonly root: string;
}

/**
 * @param name of the entry, the folder of its parts
 */
export async function bundleEntry(
  name: string,
  { source, soon = [], functions }: Entry,
  options: BundlerOptions,
): Promise<Bundle> {
  const directory = await Deno.makeTempDir({ prefix: "coracle-bundle-" });
  try {
    await runBundler(source, directory, options);
    await minifyAll(directory, options);
    const chunks = await readChunks(directory, options.root);
    checkAcyclic(chunks);
    const main = fileOf(source, chunks);
    const [first = [], ...others] = soon.map((group) =>
      group.flatMap((source) => filesOf(source, chunks))
    );
    const groups = groupsOf([[main, ...first], ...others], chunks);
    return {
      main: `${name}/${main}`,
      parts: Array.from(chunks, ([file, { text, map }]) => [
        { name: `${name}/${file}`, text },
        { name: `${name}/${file}.map`, text: JSON.stringify(map) },
      ]).flat(),
      together: groups.map((files) => files.map((file) => `${name}/${file}`)),
      functions,
    };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

interface Chunk {
  readonly text: string;
  readonly map: PartMap;
  /** Files of the chunks that it imports statically. */
  readonly imports: readonly string[];
}

/** By the names of their files. */
type Chunks = ReadonlyMap<string, Chunk>;

async function readChunks(directory: string, root: string): Promise<Chunks> {
  const chunks = new Map<string, Chunk>();
  for (const file of await namesOfChunks(directory)) {
    const chunk = await Deno.readTextFile(`${directory}/${file}`);
    const map = await Deno.readTextFile(`${directory}/${file}.map`);
    const { text, headBytes, chunks: imports } = scriptOf(chunk, file);
    chunks.set(file, {
      text,
      map: slimMap(map, headBytes, { directory, root }),
      imports: imports.map((path) => path.slice("./".length)),
    });
  }
  return chunks;
}

async function namesOfChunks(directory: string): Promise<readonly string[]> {
  const files = await Array.fromAsync(Deno.readDir(directory));
  return files.map(({ name }) => name)
    .filter((name) => name.endsWith(".js")).sort();
}

/** @throws {Error} if the module at `source` is not in the bundle */
function fileOf(source: string, chunks: Chunks): string {
  for (const [file, { map }] of chunks) {
    if (map.sources.includes(source)) return file;
  }
  throw new Error(`Cannot find "${source}" in the bundle`);
}

/**
 * The chunk that has a module, and the one that stands for it where it is
 * imported when it is needed: that has the module's name and no code.
 */
function filesOf(source: string, chunks: Chunks): readonly string[] {
  const file = fileOf(source, chunks);
  const [stem] = basename(source).split(".");
  const doors = [...chunks].filter(([name, { map, imports }]) =>
    map.sources.every((source) => source === name) && imports.includes(file) &&
    name.startsWith(`${stem}-`)
  );
  return [file, ...doors.map(([name]) => name)];
}

/** Each with what it imports statically and none before it has. */
function groupsOf(
  groups: readonly (readonly string[])[],
  chunks: Chunks,
): readonly (readonly string[])[] {
  const before = new Set<string>();
  return groups.map((files) => {
    const group = imported(files, chunks).filter((file) => !before.has(file));
    group.forEach((file) => before.add(file));
    return group;
  });
}

/** These files, and what they import statically. */
function imported(files: readonly string[], chunks: Chunks): readonly string[] {
  const found = new Set<string>();
  const add = (file: string) => {
    if (found.has(file)) return;
    found.add(file);
    chunks.get(file)?.imports.forEach(add);
  };
  files.forEach(add);
  return [...found];
}

async function runBundler(
  source: string,
  directory: string,
  { deno, root }: BundlerOptions,
): Promise<void> {
  const args = [
    ...["bundle", "--quiet", "--code-splitting"],
    ...["--sourcemap=linked", "--outdir", directory, root + source],
  ];
  await run(deno, args, root);
}

/** A module as text, for files that are not bundled but embedded alone. */
export async function bundleFile(
  source: string,
  { deno, root }: BundlerOptions,
): Promise<string> {
  const bundled = await run(deno, ["bundle", "--quiet", root + source], root);
  return await minify(bundled, deno);
}

/**
 * Not `deno bundle --minify`, which rewrites statements, too: it puts the
 * value of `using x = open()` directly where `x` is used if that is the next
 * statement and the only one, and then nothing is ever disposed.
 */
const MINIFY = [
  "--minify-whitespace",
  "--minify-identifiers",
  "--format=esm",
  "--legal-comments=eof",
] as const;

/** Replaces the chunks and their maps in a directory. */
async function minifyAll(
  directory: string,
  { deno }: BundlerOptions,
): Promise<void> {
  await run(await minifierOf(deno), [
    ...await namesOfChunks(directory),
    ...MINIFY,
    ...["--sourcemap=external", "--outdir=.", "--allow-overwrite"],
    "--log-level=error",
  ], directory);
}

/** Exported for its test. */
export async function minify(module: string, deno: string): Promise<string> {
  return await run(await minifierOf(deno), [...MINIFY], "/", module);
}

/** The bundler that `deno bundle` has fetched to where it keeps such things. */
async function minifierOf(deno: string): Promise<string> {
  const { denoDir } = JSON.parse(await run(deno, ["info", "--json"], "/"));
  const directory = `${denoDir}/dl`;
  for await (const { name } of Deno.readDir(directory)) {
    if (!name.startsWith("esbuild-")) continue;
    for await (const file of Deno.readDir(`${directory}/${name}`)) {
      if (file.name.startsWith("esbuild-")) {
        return `${directory}/${name}/${file.name}`;
      }
    }
  }
  throw new Error(`Cannot find the bundler in "${directory}"`);
}

interface SourceMap {
  readonly sources: readonly string[];
  readonly sourcesContent?: readonly string[];
  readonly mappings: string;
}

/** As `src/app/stack_trace.ts` reads it. */
interface PartMap extends SourceMap {
  /** Bytes of the first line that the packer has replaced. */
  readonly headBytes: number;
}

/** The map without the sources, whose names become relative to `root`. */
function slimMap(
  text: string,
  headBytes: number,
  { directory, root }: { readonly directory: string; readonly root: string },
): PartMap {
  const map = JSON.parse(text) as SourceMap;
  const paths = map.sources.map((source) => resolve(directory, source));
  map.sourcesContent?.forEach((content, i) => {
    // A package's modules stay together in one chunk.
    const path = paths[i] ?? "";
    if (path.startsWith(root)) checkSource(content, path);
  });
  const sources = paths.map((path) => {
    return path.startsWith(root)
      ? path.slice(root.length)
      : path.replace(/^.*\//, "");
  });
  return { headBytes, sources, mappings: map.mappings };
}

/** Chunks that wait for each other would wait for ever. */
function checkAcyclic(chunks: Chunks): void {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) {
      throw new Error(`Cannot pack: circle of chunks "${path.join(" ")}"`);
    }
    if (done.has(file)) return;
    for (const next of chunks.get(file)?.imports ?? []) {
      visit(next, [...path, file]);
    }
    done.add(file);
  };
  for (const file of chunks.keys()) visit(file, []);
}
