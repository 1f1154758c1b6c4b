/**
 * What a one-shot `coracle run` and the shim may load: nothing of gRPC, and
 * the shim nothing of Node's either, in no way. Every import counts, also those
 * that wait for a function to be called, but for the doors to gRPC.
 */

import { assert, assertEquals } from "@std/assert";
import { bundleAll } from "../scripts/build.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** The part of `deno info --json` that matters. */
interface Graph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier?: string };
    }[];
  }[];
}

/** Loaded where somebody asks for the daemon, or for a socket. */
const DOORS = [
  "src/app/daemon.ts",
  "src/app/daemon_client.ts",
  "src/app/remote/",
];

async function graphOf(module: string): Promise<Graph> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", module],
    cwd: ROOT,
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** What can be reached without going through a door. */
function indoors({ modules }: Graph, root: string): Graph {
  const named = new Map(modules.map((it) => [it.specifier, it]));
  const seen = new Set<string>();
  const visit = (specifier: string) => {
    const isDoor = DOORS.some((it) =>
      specifier.startsWith(`file://${ROOT}${it}`)
    );
    if (isDoor || seen.has(specifier)) return;
    seen.add(specifier);
    for (const { code } of named.get(specifier)?.dependencies ?? []) {
      if (code?.specifier !== undefined) visit(code.specifier);
    }
  };
  visit(`file://${ROOT}${root}`);
  return { modules: modules.filter(({ specifier }) => seen.has(specifier)) };
}

/** Specifiers of gRPC and of the HTTP/2 below it. */
function grpcModules({ modules }: Graph): readonly string[] {
  return modules.map(({ specifier }) => specifier)
    .filter((it) => /\/src\/rpc\/(grpc|http2)/.test(it));
}

/** Modules of Node's: each costs a shim 1.5 to 5 MB. */
function nodeModules({ modules }: Graph): readonly string[] {
  return modules.map(({ specifier }) => specifier)
    .filter((it) => it.startsWith("node:"));
}

for (
  const module of ["main.ts", "src/app/shim.ts", "src/drivers/unpack/worker.ts"]
) {
  Deno.test(`${module} reaches no gRPC`, async () => {
    const graph = await graphOf(module);
    assertEquals(graph.modules.filter(({ error }) => error !== undefined), []);
    const inside = indoors(graph, module);
    assert(inside.modules.length > 10);
    assertEquals(grpcModules(inside), []);
  });
}

Deno.test("main.ts is seen with its lazy imports and packages", async () => {
  const { modules } = await graphOf("main.ts");
  for (const part of ["/src/cli/commands/run.ts", "smol-toml"]) {
    assert(modules.some(({ specifier }) => specifier.includes(part)), part);
  }
});

Deno.test("src/app/shim.ts reaches no module of Node's", async () => {
  const shim = "src/app/shim.ts";
  assertEquals(nodeModules(indoors(await graphOf(shim), shim)), []);
});

Deno.test("the command line loads no module of Node's before it knows the command", async () => {
  const { bundles } = await bundleAll({
    cli: { source: "src/cli/main.ts", functions: "first" },
  });
  const { main = "", parts = [] } = bundles["cli"] ?? {};
  const texts = new Map(parts.map(({ name, text }) => [name, text]));
  const seen = new Set<string>();
  const found: (string | undefined)[] = [];
  const visit = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    // What a part imports statically is in its first line.
    const [head = ""] = (texts.get(name) ?? "").split("\n", 1);
    for (const [, module] of head.matchAll(/ import\("(.*?)"\)/g)) {
      found.push(module);
    }
    for (const [, part] of head.matchAll(/_load_\("\.\/(.*?)"\)/g)) {
      visit(`cli/${part}`);
    }
  };
  visit(main);
  assert(seen.size > 10, [...seen].join(" "));
  assertEquals(found, []);
});

Deno.test("nodeModules() finds those that a command loads", async () => {
  assert(nodeModules(await graphOf("main.ts")).length > 0);
});

Deno.test("grpcModules() finds gRPC when it is planted", async () => {
  const directory = await Deno.makeTempDir({ prefix: "coracle-graph-" });
  try {
    const module = `${directory}/a.ts`;
    await Deno.writeTextFile(
      module,
      `export const later = () => import("./src/rpc/grpc_server.ts");`,
    );
    const found = grpcModules(await graphOf(module));
    assertEquals(found, [`file://${directory}/src/rpc/grpc_server.ts`]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
