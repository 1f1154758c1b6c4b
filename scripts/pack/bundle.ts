/** Bundles one entry and gives its parts, ready for the executable. */

import { resolve } from "@std/path";
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
}

interface BundlerOptions {
  readonly deno: string;
  /** The repository, with a slash behind it. */
  readonly root: string;
}

/**
 * @param entry name of the entry, the folder of its parts
 * @param source path of its module in the repository
 */
export async function bundleEntry(
  entry: string,
  source: string,
  options: BundlerOptions,
): Promise<Bundle> {
  const directory = await Deno.makeTempDir({ prefix: "coracle-bundle-" });
  try {
    await runBundler(source, directory, options);
    await minifyAll(directory, options);
    const files = await Array.fromAsync(Deno.readDir(directory));
    const names = files.map(({ name }) => name)
      .filter((name) => name.endsWith(".js")).sort();
    const graph = new Map<string, readonly string[]>();
    const parts: Part[] = [];
    for (const name of names) {
      const chunk = await Deno.readTextFile(`${directory}/${name}`);
      const map = await Deno.readTextFile(`${directory}/${name}.map`);
      const script = scriptOf(chunk, name);
      graph.set(name, script.chunks.map((path) => path.slice(2)));
      parts.push(
        { name: `${entry}/${name}`, text: script.text },
        {
          name: `${entry}/${name}.map`,
          text: slimMap(map, script.headBytes, {
            directory,
            root: options.root,
          }),
        },
      );
    }
    checkAcyclic(graph);
    const main = source.replace(/^.*\//, "").replace(/\.ts$/, ".js");
    return { main: `${entry}/${main}`, parts };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
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
  const files = await Array.fromAsync(Deno.readDir(directory));
  const chunks = files.map(({ name }) => name)
    .filter((name) => name.endsWith(".js"));
  await run(await minifierOf(deno), [
    ...chunks,
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

async function run(
  program: string,
  args: readonly string[],
  cwd: string,
  input = "",
): Promise<string> {
  const child = new Deno.Command(program, {
    args: [...args],
    cwd,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [{ code, stdout, stderr }] = await Promise.all([
    child.output(),
    new Blob([input]).stream().pipeTo(child.stdin).catch(() => {}),
  ]);
  const decoder = new TextDecoder();
  if (code === 0) return decoder.decode(stdout);
  throw new Error(`${program} failed:\n${decoder.decode(stderr)}`);
}

interface SourceMap {
  readonly sources: readonly string[];
  readonly sourcesContent?: readonly string[];
  readonly mappings: string;
}

/** The map without the sources, whose names become relative to `root`. */
function slimMap(
  text: string,
  headBytes: number,
  { directory, root }: { readonly directory: string; readonly root: string },
): string {
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
  return JSON.stringify({ headBytes, sources, mappings: map.mappings });
}

/** Chunks that wait for each other would wait for ever. */
function checkAcyclic(graph: ReadonlyMap<string, readonly string[]>): void {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]) => {
    if (path.includes(name)) {
      throw new Error(`Cannot pack: circle of chunks "${path.join(" ")}"`);
    }
    if (done.has(name)) return;
    for (const next of graph.get(name) ?? []) visit(next, [...path, name]);
    done.add(name);
  };
  for (const name of graph.keys()) visit(name, []);
}
