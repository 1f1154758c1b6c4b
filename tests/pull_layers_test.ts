/**
 * Layers that are unpacked all at once must mean what they mean unpacked one
 * on the other. Compared on real overlay mounts, with random layers that hide,
 * replace, link and pass through each other's files.
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Context } from "../src/base/context.ts";
import { EngineError } from "../src/base/errors.ts";
import type { Services } from "../src/core/services.ts";
import type { Snapshotter } from "../src/core/snapshot.ts";
import type { UnpackSession } from "../src/core/unpack.ts";
import { createLayerApplier } from "../src/drivers/unpack/apply.ts";
import { storedLayer } from "../src/engine/fetch_layer.ts";
import { unpackLayers } from "../src/engine/unpack_layers.ts";
import { localContent } from "../src/engine/unpack.ts";
import { planLayers, type PlannedLayer } from "../src/engine/unpack_plan.ts";
import { parseImageConfig, parseManifest } from "../src/oci/image_spec.ts";
import { errnoMessage } from "../src/sys/libc.ts";
import { syncFileSystem } from "../src/sys/fs.ts";
import { ctx, isRoot, makeImage, openStore } from "./pull_support.ts";
import { describeTree } from "./support/describe_tree.ts";
import { type RawEntry, rawTar } from "./support/raw_tar.ts";

const names = fc.constantFrom("a", "b", "lib");
const paths = fc.array(names, { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join("/"));
const targets = fc.oneof(
  paths,
  paths.map((path) => `/${path}`),
  fc.constantFrom("..", "../b", ".", "/", "missing"),
);
const modes = fc.constantFrom(0o755, 0o700, 0o644, 0o1777, 0o4711);

const entry: fc.Arbitrary<RawEntry> = fc.oneof(
  fc.record({
    flag: fc.constant("0"),
    name: paths,
    data: fc.string({ maxLength: 5 }),
    mode: modes,
    uid: fc.constantFrom(0, 1000),
    mtime: fc.constantFrom(1, 1_000_000_000),
  }),
  fc.record({
    flag: fc.constant("5"),
    name: paths.map((path) => `${path}/`),
    mode: modes,
    gid: fc.constantFrom(0, 50),
  }),
  fc.record({ flag: fc.constant("2"), name: paths, link: targets }),
  fc.record({ flag: fc.constant("1"), name: paths, link: paths }),
  fc.record({ name: paths.map(whiteoutOf) }),
  fc.record({
    name: fc.oneof(
      fc.constant(".wh..wh..opq"),
      paths.map((path) => `${path}/.wh..wh..opq`),
    ),
  }),
);

function whiteoutOf(path: string): string {
  const slash = path.lastIndexOf("/") + 1;
  return `${path.slice(0, slash)}.wh.${path.slice(slash)}`;
}

const layers = fc.array(fc.array(entry, { minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 4,
});

/** One session for all, because threads take longer to start than layers. */
function shared(services: Services, session: UnpackSession): Services {
  const unpacker = {
    open: () => ({
      unpack: session.unpack.bind(session),
      settle: session.settle.bind(session),
      barrier: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  };
  const { content, mounter } = services;
  const { apply } = createLayerApplier({ content, mounter, unpacker });
  const compare = () => Promise.reject(new Error("not used"));
  return {
    content,
    mounter,
    unpacker,
    differ: { apply, compare },
  } as unknown as Services;
}

type Outcome = readonly string[] | "error";

/** The mounted tree, without what depends on when it was made. */
async function view(
  ctx: Context,
  services: Services,
  snapshotter: Snapshotter,
  top: string,
): Promise<readonly string[]> {
  const target = await Deno.makeTempDir();
  const key = crypto.randomUUID();
  const mounts = await snapshotter.view(ctx, key, top);
  try {
    await using _mounted = await services.mounter.mount(ctx, mounts, target);
    return describeTree(target).map((line) =>
      line.replace(/"links":\d+,/, "").replace(
        /("kind":"directory".*)"mtime":"[^"]*"/,
        "$1",
      )
    );
  } finally {
    await snapshotter.remove(ctx, key);
    await Deno.remove(target);
  }
}

async function outcomeOf(make: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof EngineError) return "error";
    throw error;
  }
}

interface Bench {
  readonly services: Services;
  readonly snapshotter: Snapshotter;
  readonly session: UnpackSession;
}

async function oneByOne(
  ctx: Context,
  { services, snapshotter }: Bench,
  planned: readonly PlannedLayer[],
): Promise<Outcome> {
  for (const { layer, chainId, parent } of planned) {
    const key = `key-${chainId}`;
    const below = parent === "" ? "" : `one-${parent}`;
    const mounts = await snapshotter.prepare(ctx, key, below);
    await services.differ.apply(ctx, layer, mounts);
    await snapshotter.commit(ctx, `one-${chainId}`, key);
  }
  const top = planned.at(-1)?.chainId ?? "";
  return await view(ctx, services, snapshotter, `one-${top}`);
}

async function allAtOnce(
  ctx: Context,
  { services, snapshotter, session }: Bench,
  planned: readonly PlannedLayer[],
): Promise<Outcome> {
  const content = localContent(services);
  // The lowest layer first, as another image may have brought it.
  for (const layers of [planned.slice(0, 1), planned]) {
    await unpackLayers(ctx, services, {
      layers,
      snapshotter,
      snapshotterName: services.defaultSnapshotter,
      session,
      contentLabels: {},
      open: (ctx, layer) => storedLayer(ctx, content, layer),
      onProgress: () => {},
    });
  }
  const top = planned.at(-1)?.chainId ?? "";
  return await view(ctx, services, snapshotter, top);
}

async function compare(
  { services, session, snapshotter }: Bench,
  layers: readonly (readonly RawEntry[])[],
): Promise<void> {
  const image = await makeImage(
    layers.map((entries) => ({ tar: rawTar(...entries), compression: "none" })),
  );
  // Each run has a namespace, so that no layer is there already.
  const own = { ...ctx, namespace: crypto.randomUUID() };
  for (const { bytes, at } of image.blobs) {
    const ref = crypto.randomUUID();
    await using writer = await services.content.writer(own, ref);
    await writer.write(bytes);
    await writer.commit(own, { digest: at.digest }).catch(() => {});
  }
  const config = image.blobs.at(-1);
  if (config === undefined) throw new Error("no config");
  const planned = await planLayers(
    parseManifest(image.manifestBytes),
    parseImageConfig(config.bytes),
  );
  const bench = { services: shared(services, session), snapshotter, session };
  const expected = await outcomeOf(() => oneByOne(own, bench, planned));
  const actual = await outcomeOf(() => allAtOnce(own, bench, planned));
  assertEquals(actual, expected);
}

async function withBench(use: (bench: Bench) => Promise<void>): Promise<void> {
  await using store = await openStore();
  const { services } = store.connection;
  const snapshotter = services.snapshotters.get("overlayfs");
  if (snapshotter === undefined) throw new Error("no overlay");
  await using real = services.unpacker.open();
  const session: UnpackSession = {
    unpack: real.unpack.bind(real),
    settle: real.settle.bind(real),
    barrier: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await use({ services, session, snapshotter });
}

const file = (name: string, data = name): RawEntry => ({ name, data });
const directory = (name: string, mode = 0o755): RawEntry => ({
  ...{ flag: "5", name: `${name}/`, mode },
});
const link = (name: string, target: string): RawEntry => ({
  ...{ flag: "2", name, link: target },
});

const KNOWN_CASES: Readonly<Record<string, readonly RawEntry[][]>> = {
  "a file below a link of a lower layer": [
    [directory("usr"), directory("usr/lib"), link("lib", "usr/lib")],
    [file("lib/foo")],
  ],
  "a file below a link two layers down": [
    [directory("usr"), directory("usr/lib"), link("lib", "usr/lib")],
    [file("other")],
    [file("lib/deep/foo")],
    [file("lib/deep/bar")],
  ],
  "a directory that replaces a link": [
    [directory("usr"), file("usr/x"), link("lib", "usr")],
    [directory("lib"), file("lib/foo")],
  ],
  "a directory passed through keeps its mode": [
    [directory("tmp", 0o1777), file("tmp/a")],
    [file("tmp/b")],
  ],
  "a hard link to a lower layer": [
    [file("a")],
    [{ flag: "1", name: "b", link: "a" }],
  ],
  "a hidden directory that comes back": [
    [directory("d"), file("d/old")],
    [{ name: ".wh.d" }, directory("d"), file("d/new")],
  ],
  "a hidden directory that comes back without an entry": [
    [directory("d", 0o700), file("d/old")],
    [{ name: ".wh.d" }, file("d/new")],
  ],
  "a directory that is a file for a while": [
    [directory("d"), file("d/old")],
    [directory("d"), file("d"), directory("d"), file("d/new")],
  ],
  "an opaque directory": [
    [directory("d", 0o700), file("d/old"), directory("d/sub")],
    [file("d/new"), { name: "d/.wh..wh..opq" }, file("d/newer")],
  ],
  "a whiteout of nothing": [[file("a"), { name: ".wh.b" }], [
    file("c"),
    { name: "x/.wh.y" },
  ]],
  "marks that hide nothing": [
    [directory("d"), { name: "d/.wh..wh..opq" }],
    [directory("e"), { name: "e/.wh..wh..opq" }, { name: "e/.wh.x" }],
  ],
  "a root that hides all": [
    [file("a"), directory("d")],
    [file("b"), { name: ".wh..wh..opq" }, file("c")],
  ],
  "a link to what is hidden": [
    [directory("lib"), file("lib/b"), link("b", "lib/b")],
    [{ name: "lib/.wh.b" }, file("b/a")],
  ],
  "the same layer twice": [[file("a")], [{ name: ".wh.a" }], [file("a")]],
  "a file below a file of a lower layer": [[file("a")], [file("a/b")]],
  "a link to itself that is hidden once it was gone through": [
    [link("a", "a")],
    [directory("a/a"), { name: ".wh.a" }, { name: "a/.wh..wh..opq" }],
  ],
  "a link to nowhere that is replaced once it was gone through": [
    [link("b", "/a")],
    [{ name: "b/.wh.a" }, file("b")],
  ],
  "a link that is replaced once an entry was put where it leads": [
    [link("b", ".."), file("a")],
    [{ name: "b/.wh..wh..opq" }, directory("b")],
  ],
  "a directory that is hidden once it was gone through": [
    [{ name: "lib/b/.wh.a" }],
    [{ name: "lib/b/.wh..wh..opq" }, { name: "lib/.wh..wh..opq" }],
  ],
  "a directory that is hidden by a name of its own": [
    [link("a/lib", "/a"), { name: "a/lib/.wh..wh..opq" }, file("b")],
  ],
  "a mark in a directory that replaces a file": [
    [file("b")],
    [directory("b"), { name: "b/.wh.a" }],
  ],
  "a file that is replaced once it was gone through": [
    [file("b")],
    [{ name: "b/.wh.a" }, directory("b")],
  ],
};

// Once before the tests, or the sanitizer would count libc's symbols to the one
// that needs them first.
if (isRoot) {
  await syncFileSystem("/proc");
  errnoMessage(1);
  await withBench(async (bench) => {
    for (const layers of Object.values(KNOWN_CASES)) {
      await compare(bench, layers).catch(() => {});
    }
  });
}

Deno.test({
  name: "unpackLayers() makes of known layers what applying in order makes",
  ignore: !isRoot,
  fn: () =>
    withBench(async (bench) => {
      for (const [name, layers] of Object.entries(KNOWN_CASES)) {
        try {
          await compare(bench, layers);
        } catch (error) {
          throw new Error(`Wrong for ${name}`, { cause: error });
        }
      }
    }),
});

Deno.test({
  name: "unpackLayers() makes of any layers what applying in order makes",
  ignore: !isRoot,
  fn: () =>
    withBench((bench) =>
      fc.assert(
        fc.asyncProperty(layers, (sample) => compare(bench, sample)),
        { numRuns: Number(Deno.env.get("CORACLE_RUNS") ?? 60) },
      )
    ),
});
