/**
 * The checks that need types, which `deno lint` does not have: promises that
 * nobody waits for, promises where a plain value is meant, switches that
 * forget a case.
 *
 * `deno run -A scripts/float_lint.ts [PATH...]`; exit code 1 if any is found.
 *
 * The linter takes its settings from the nearest tsconfig.json, which the
 * repository does not have (deno.json says it all), so it works on a copy.
 */

const ROOT = new URL("../", import.meta.url).pathname;
/** The linter, and the type checker that it looks for on PATH. */
const BINARIES = `${ROOT}.tools/node_modules/.bin`;

const RULES = {
  plugins: ["typescript"],
  categories: { correctness: "off" },
  rules: {
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/switch-exhaustiveness-check": [
      "error",
      { considerDefaultExhaustiveForUnions: true },
    ],
  },
};

/**
 * @param paths files and folders, relative to `root`
 * @returns the exit code and what the linter says
 */
export async function floatLint(
  paths: readonly string[],
  root: string = ROOT,
): Promise<{ readonly code: number; readonly report: string }> {
  const directory = await Deno.makeTempDir({ prefix: "coracle-lint-" });
  const write = (name: string, text: string) =>
    Deno.writeTextFile(`${directory}/${name}`, text);
  try {
    await run("cp", ["-r", "--parents", ...paths, directory], root);
    await write("rules.json", JSON.stringify(RULES));
    await write("deno.d.ts", (await run(Deno.execPath(), ["types"])).report);
    await write("tsconfig.json", JSON.stringify(await tsconfig()));
    return await run(
      `${BINARIES}/oxlint`,
      ["--type-aware", "--config", "rules.json", "--no-ignore", ...paths],
      directory,
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function run(command: string, args: string[], cwd = ROOT) {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd,
    env: { NO_COLOR: "1", PATH: `${BINARIES}:${Deno.env.get("PATH") ?? ""}` },
  }).output();
  const decoder = new TextDecoder();
  return { code, report: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** The settings of deno.json in the compiler's own words. */
async function tsconfig(): Promise<unknown> {
  const config = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const { lib: _, ...options } = config.compilerOptions;
  const local = Object.entries(config.imports as Record<string, string>)
    .filter(([, target]) => target.startsWith("./"))
    .map(([name, target]) => [
      name,
      [ROOT + target.slice(2).replace(/\.ts$/, ".d.ts")],
    ]);
  return {
    compilerOptions: {
      ...options,
      ...{ noEmit: true, skipLibCheck: true, types: [] },
      ...{ target: "esnext", module: "esnext", moduleResolution: "bundler" },
      allowImportingTsExtensions: true,
      lib: ["esnext", "esnext.disposable"],
      paths: Object.fromEntries(local),
    },
    include: ["**/*.ts"],
  };
}

if (import.meta.main) {
  const paths = Deno.args.length > 0
    ? Deno.args
    : ["main.ts", "src", "scripts", "tests"];
  const { code, report } = await floatLint(paths);
  Deno.stdout.writeSync(new TextEncoder().encode(report));
  Deno.exit(code);
}
