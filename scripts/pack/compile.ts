/** The executable by `deno compile`, where its runtime is to be had. */

import type { Contents } from "./pack.ts";
import { TRUSTING } from "./run.ts";
import { V8_FLAGS } from "./runtime_settings.ts";

/**
 * The compile runtime that is here already: `DENORT_BIN`, or the archive in
 * Deno's cache of this version.
 */
export function findDenort(): string | undefined {
  const named = Deno.env.get("DENORT_BIN");
  if (named !== undefined && named !== "") return named;
  const { target } = Deno.build;
  const home = Deno.env.get("XDG_CACHE_HOME") ??
    `${Deno.env.get("HOME") ?? ""}/.cache`;
  const cache = Deno.env.get("DENO_DIR") ?? `${home}/deno`;
  const archive =
    `${cache}/dl/release/v${Deno.version.deno}/denort-${target}.zip`;
  try {
    Deno.statSync(archive);
    return archive;
  } catch {
    return undefined;
  }
}

/**
 * Lays the parts out as files beside the first stage, which finds them in the
 * executable's own file system.
 */
export async function compile(
  { bundles, firstStage, stackMapper }: Contents,
  output: string,
  denort: string | undefined,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "coracle-compile-" });
  try {
    const entries: Record<string, string> = {};
    await writePart(directory, "stack_trace/map.js", stackMapper);
    for (const [entry, bundle] of Object.entries(bundles)) {
      entries[entry] = bundle.main;
      for (const part of bundle.parts) {
        await writePart(directory, part.name, part.text);
      }
    }
    const stage = (start: string | undefined) =>
      `const STAGE=${JSON.stringify({ entries, start })};${firstStage}`;
    await Deno.writeTextFile(`${directory}/stage.js`, stage(undefined));
    for (const entry of Object.keys(entries)) {
      await Deno.writeTextFile(`${directory}/stage_${entry}.js`, stage(entry));
    }
    await runCompile(directory, output, denort);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function writePart(
  directory: string,
  name: string,
  text: string,
): Promise<void> {
  const path = `${directory}/parts/${name}`;
  await Deno.mkdir(path.replace(/\/[^/]*$/, ""), { recursive: true });
  await Deno.writeTextFile(path, text);
}

async function runCompile(
  directory: string,
  output: string,
  denort: string | undefined,
): Promise<void> {
  const files = await Array.fromAsync(Deno.readDir(directory));
  const workers = files.map(({ name }) => name)
    .filter((name) => name.startsWith("stage_"))
    .flatMap((name) => ["--include", name]);
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["compile", "-A", "--no-config", "--no-lock", "--no-npm", V8_FLAGS],
      ...["--include", "parts", ...workers, "--output", output, "stage.js"],
    ],
    cwd: directory,
    env: denort === undefined || denort.endsWith(".zip")
      ? TRUSTING
      : { ...TRUSTING, DENORT_BIN: denort },
    stdin: "null",
  }).spawn().status;
  if (code !== 0) throw new Error(`Cannot compile "${output}": exit ${code}`);
}
