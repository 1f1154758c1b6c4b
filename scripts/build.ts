/**
 * Makes `bin/coracle`, one executable file.
 *
 * `deno task build [--output FILE] [--base DENO] [--via compile|pack]`
 *
 * Where Deno's own compile runtime (denort) is to be had, in `DENORT_BIN` or
 * Deno's cache, or where `--via compile` asks to download it, `deno compile`
 * makes the file; otherwise the bundles are packed onto the `deno` executable,
 * by default the one that runs this script, or that of `--base` for another
 * architecture.
 */

import { parseArgs } from "@std/cli/parse-args";
import { bundleEntry, bundleFile, type Entry } from "./pack/bundle.ts";
import { compile, findDenort } from "./pack/compile.ts";
import { type Contents, pack } from "./pack/pack.ts";

/** What the executable can start as, and its Workers. */
export const ENTRIES: Readonly<Record<string, Entry>> = {
  cli: {
    source: "src/cli/main.ts",
    // What a command that runs a container needs; what it needs beyond that to
    // leave it to a shim, and to find it again; what runs more in it.
    soon: [[
      "src/cli/run_flags.ts",
      "src/cli/commands/run.ts",
      "src/app/connect.ts",
      "src/app/open_store.ts",
    ], [
      "src/engine/run_detached.ts",
      "src/app/task_parts.ts",
      "src/runtime/local_tasks.ts",
      "src/app/keepers.ts",
    ], [
      "src/cli/commands/exec.ts",
    ]],
    functions: "commands",
  },
  shim: {
    source: "src/app/shim.ts",
    // What our own command line starts, and what wakes up; what those need who
    // have something to ask it.
    soon: [[
      "src/app/keeper.ts",
      "src/app/keeper_resume.ts",
    ], [
      "src/app/keeper_serve.ts",
      "src/api/server/shim_task.ts",
      "src/shim/keeper/tasks.ts",
      "src/app/shim_codec.ts",
    ]],
    functions: "first",
  },
  daemon: {
    source: "src/app/daemon.ts",
    // What every start loads, in this order: until clients are let in, and what
    // they wait for then.
    soon: [[
      "src/app/daemon/serve.ts",
      "src/app/daemon/front.ts",
    ], [
      "src/app/daemon/systemd.ts",
      "src/app/daemon/open_services.ts",
      "src/app/open_store.ts",
      "src/app/observe/listen_private.ts",
      "src/app/observe/http.ts",
    ]],
    functions: "daemon",
  },
  unpack_worker: {
    source: "src/drivers/unpack/worker.ts",
    functions: "first",
  },
};

const ROOT = new URL("../", import.meta.url).pathname;

export async function bundleAll(
  entries: Readonly<Record<string, Entry>> = ENTRIES,
): Promise<Contents> {
  const options = { deno: Deno.execPath(), root: ROOT };
  // One alone: the first puts the bundler's own program into Deno's cache, and
  // of several that do so at once most fail.
  const stackModule = await bundleFile("src/app/stack_trace.ts", options);
  const [firstStage, ...bundles] = await Promise.all([
    bundleFile("src/app/packed_stage.ts", options),
    ...Object.entries(entries).map(async ([name, entry]) =>
      [name, await bundleEntry(name, entry, options)] as const
    ),
  ]);
  return {
    bundles: Object.fromEntries(bundles),
    firstStage,
    stackMapper: mapperExpression(stackModule),
  };
}

/** `…;export{a as mapStack};` → an expression whose value is `a`. */
function mapperExpression(module: string): string {
  const [statement, name] =
    /export\{([\w$]+) as mapStack\};\s*$/.exec(module) ??
      [];
  if (statement === undefined || name === undefined) {
    throw new Error("Cannot find mapStack in the bundle of stack_trace.ts");
  }
  return `(()=>{${module.replace(statement, "")}return ${name}})()`;
}

interface BuildFlags {
  readonly output?: string;
  readonly base?: string;
  readonly via?: string;
}

async function main(): Promise<void> {
  const flags = parseArgs(Deno.args, {
    string: ["output", "base", "via"],
  }) as BuildFlags;
  const output = flags.output ?? `${ROOT}bin/coracle`;
  await Deno.mkdir(output.replace(/\/[^/]*$/, "") || "/", { recursive: true });
  const denort = findDenort();
  const via = flags.via ??
    (denort !== undefined && flags.base === undefined ? "compile" : "pack");
  const contents = await bundleAll();
  if (via === "compile") {
    await compile(contents, output, denort);
  } else {
    await pack(flags.base ?? Deno.execPath(), contents, output);
  }
  say(`${output}: ${mebibytes(output)} MiB, made by ${via}`);
}

function mebibytes(path: string): string {
  return (Deno.statSync(path).size / 2 ** 20).toFixed(1);
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) await main();
