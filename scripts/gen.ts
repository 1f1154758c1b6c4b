/**
 * Makes `proto/gen`, TypeScript from the definitions in `proto/`.
 *
 * `deno task gen` generates, with the pinned tools, which npm installs into
 * `.tools/gen/` when they are missing. `deno task gen --check` needs no tools:
 * it compares the digests of sources, output and settings with those that the
 * last generation wrote down.
 */

import { digestOf } from "../src/base/hash.ts";

const TOOLS = { "@bufbuild/buf": "1.75.0", "ts-proto": "2.18.0" } as const;

const OPTIONS = [
  "outputServices=generic-definitions",
  "enumsAsLiterals=true",
  "oneof=unions-value",
  "forceLong=bigint",
  "outputJsonMethods=false",
  "importSuffix=.ts",
] as const;

/** What a generation was made of and gave; paths are relative to `proto/`. */
interface Manifest {
  readonly tools: Readonly<Record<string, string>>;
  readonly options: readonly string[];
  readonly sources: Readonly<Record<string, string>>;
  readonly output: Readonly<Record<string, string>>;
}

const ROOT = new URL("../", import.meta.url).pathname;
const MANIFEST = "gen/manifest.json";

/**
 * Says what is not as the last generation left it; nothing if all is.
 * @param proto the directory, with a slash behind it
 */
export async function differences(proto: string): Promise<readonly string[]> {
  const wanted = await manifestOf(proto);
  const text = await Deno.readTextFile(proto + MANIFEST);
  const found = JSON.parse(text) as Manifest;
  const settings = JSON.stringify([wanted.tools, wanted.options]) ===
      JSON.stringify([found.tools, found.options])
    ? []
    : ["the generator or its options"];
  return [
    ...settings,
    ...changed(found.sources, wanted.sources),
    ...changed(found.output, wanted.output),
  ];
}

function changed(
  before: Manifest["sources"],
  now: Manifest["sources"],
): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].filter((name) => before[name] !== now[name]).sort();
}

async function manifestOf(proto: string): Promise<Manifest> {
  const digests = async (suffix: string, wanted: (name: string) => boolean) => {
    const found: [string, string][] = [];
    for (const name of await filesBelow(proto)) {
      if (!name.endsWith(suffix) || !wanted(name)) continue;
      const bytes = await Deno.readFile(proto + name);
      found.push([name, await digestOf(bytes)]);
    }
    return Object.fromEntries(found.sort());
  };
  return {
    tools: TOOLS,
    options: OPTIONS,
    sources: await digests(".proto", () => true),
    output: await digests(".ts", (name) => name.startsWith("gen/")),
  };
}

async function filesBelow(root: string, below = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(root + below)) {
    if (isDirectory) names.push(...await filesBelow(root, `${below}${name}/`));
    else names.push(below + name);
  }
  return names;
}

async function generate(proto: string): Promise<void> {
  const tools = `${ROOT}.tools/gen`;
  await installTools(tools);
  await Deno.remove(`${proto}gen`, { recursive: true }).catch(() => {});
  const plugin = {
    local: [`${tools}/node_modules/.bin/protoc-gen-ts_proto`],
    out: `${proto}gen`,
    opt: OPTIONS,
  };
  await succeed(`${tools}/node_modules/.bin/buf`, [
    ...["generate", proto, "--template"],
    JSON.stringify({ version: "v2", plugins: [plugin] }),
  ]);
  const text = JSON.stringify(await manifestOf(proto), null, 2);
  await Deno.writeTextFile(proto + MANIFEST, `${text}\n`);
}

async function installTools(directory: string): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  const wanted = JSON.stringify({ private: true, devDependencies: TOOLS });
  const file = `${directory}/package.json`;
  const found = await Deno.readTextFile(file).catch(() => "");
  if (found === wanted) return;
  await Deno.writeTextFile(file, wanted);
  await succeed("npm", [
    ...["install", "--prefix", directory, "--no-package-lock", "--no-audit"],
    ...["--no-fund", "--ignore-scripts", "--loglevel=error"],
  ]);
}

async function succeed(command: string, args: string[]): Promise<void> {
  const { success } = await new Deno.Command(command, { args, cwd: ROOT })
    .spawn().status;
  if (!success) throw new Error(`Cannot generate: "${command}" failed`);
}

if (import.meta.main) {
  const proto = `${ROOT}proto/`;
  if (Deno.args.includes("--check")) {
    const found = await differences(proto);
    for (const name of found) {
      Deno.stderr.writeSync(
        new TextEncoder().encode(`Changed since it was generated: ${name}\n`),
      );
    }
    Deno.exit(found.length === 0 ? 0 : 1);
  }
  await generate(proto);
}
