/** `coracle images` with a thousand images in the store. */

import { background, type Context } from "../../src/base/context.ts";
import type { Digest } from "../../src/base/digest.ts";
import { silentLogger } from "../../src/base/log.ts";
import { LABEL } from "../../src/core/labels.ts";
import {
  indexLabels,
  manifestLabels,
  writeBlob,
  writeJson,
} from "../../src/engine/images_content.ts";
import type {
  Descriptor,
  ImageConfig,
  Index,
  Manifest,
} from "../../src/oci/image_spec.ts";
import { MEDIA_TYPE } from "../../src/oci/media_types.ts";
import { openTestStore, type TestStore } from "../store/open.ts";
import { PlainSnapshotter } from "../store/plain.ts";
import {
  type Bench,
  median,
  milliseconds,
  type Row,
  runQuietly,
} from "./bench.ts";

const IMAGES = 1000;
const LAYERS = 3;
const ROUNDS = 20;
/** Of the command line's own snapshotter, for root. */
const SNAPSHOTTER = "overlayfs";

type Form = "manifest" | "index";

interface PlainStore {
  readonly store: TestStore;
  readonly snapshotter: PlainSnapshotter;
}

export const bench: Bench = {
  name: "images",
  async run({ coracle, say }) {
    return [
      await row(coracle, say, "manifest"),
      await row(coracle, say, "index"),
    ];
  },
};

async function row(
  coracle: string,
  say: (line: string) => void,
  form: Form,
): Promise<Row> {
  // Nothing is measured of what the disk does.
  const base = await Deno.stat("/dev/shm").then(() => "/dev/shm", () => "/tmp");
  const dir = await Deno.makeTempDir({ dir: base, prefix: "coracle-images-" });
  try {
    say(`making ${IMAGES} images, each of a name, an ${form}, and a config`);
    await fill(`${dir}/root`, form);
    return await measured(coracle, dir, form);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function measured(
  coracle: string,
  dir: string,
  form: Form,
): Promise<Row> {
  const store = ["--root", `${dir}/root`, "--state", `${dir}/state`];
  const list = () => runQuietly(coracle, [...store, "images"]);
  const names = await listed(coracle, store);
  if (names !== IMAGES) {
    throw new Error(`Cannot measure: ${names} images are listed`);
  }
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i++) times.push(await milliseconds(list));
  const figure = median(times);
  return {
    what: `coracle images, ${IMAGES} in the store, by ${form}`,
    measured: `${figure.toFixed(1)} ms`,
    reference: "",
    figure,
    bar: 100,
  };
}

/** How many images the command knows, which is also its first run. */
async function listed(
  coracle: string,
  store: readonly string[],
): Promise<number> {
  const { stdout } = await new Deno.Command(coracle, {
    args: [...store, "images", "--format", "{{.ID}} {{.Size}}"],
    stdin: "null",
    stderr: "inherit",
  }).output();
  const lines = new TextDecoder().decode(stdout).split("\n");
  return lines.filter((line) => /^[0-9a-f]{12} \d/.test(line)).length;
}

/** As pulls leave the store: content and snapshots, kept by labels. */
async function fill(root: string, form: Form): Promise<void> {
  await Deno.mkdir(root);
  const snapshotters = new Map<string, PlainSnapshotter>();
  await using store = await openTestStore({ root, snapshotters });
  const records = store.snapshotRecords(SNAPSHOTTER);
  const directories = `${root}/snapshots/${SNAPSHOTTER}`;
  const snapshotter = new PlainSnapshotter(records, directories);
  snapshotters.set(SNAPSHOTTER, snapshotter);
  const plain = { store, snapshotter };
  const ctx = background({ log: silentLogger });
  for (let i = 0; i < IMAGES; i++) {
    const layers: Descriptor[] = [];
    for (let n = 0; n < LAYERS; n++) {
      layers.push(await layer(ctx, plain, `layer ${n} of image ${i}`));
    }
    const top = await chain(ctx, plain, layers);
    const manifest = await oneManifest(ctx, plain, layers, top, i);
    const target = form === "manifest"
      ? manifest
      : await oneIndex(ctx, plain, manifest);
    const name = `registry.example/team-${i % 20}/service-${i}:1.${i}`;
    await plain.store.images.create(ctx, { name, target });
  }
}

function layer(
  ctx: Context,
  { store }: PlainStore,
  text: string,
): Promise<Descriptor> {
  const bytes = new TextEncoder().encode(text);
  return writeBlob(ctx, store.content, MEDIA_TYPE.ociLayerGzip, bytes);
}

/** @returns the name of the top snapshot */
async function chain(
  ctx: Context,
  { snapshotter }: PlainStore,
  layers: readonly Descriptor[],
): Promise<string> {
  let parent = "";
  for (const { digest } of layers) {
    await snapshotter.prepare(ctx, `key ${digest}`, parent);
    await snapshotter.commit(ctx, digest, `key ${digest}`);
    parent = digest;
  }
  return parent;
}

async function oneManifest(
  ctx: Context,
  { store }: PlainStore,
  layers: readonly Descriptor[],
  top: string,
  i: number,
): Promise<Descriptor> {
  const config: ImageConfig = {
    created: new Date(Date.UTC(2026, 0, 1) + i * 60_000).toISOString(),
    architecture: Deno.build.arch === "x86_64" ? "amd64" : "arm64",
    os: "linux",
    config: { Cmd: ["/bin/sh"], Env: [`SERVICE=${i}`] },
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  };
  const { content } = store;
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config: await writeJson(ctx, content, MEDIA_TYPE.ociConfig, config, {
      [`${LABEL.gcRefSnapshot}.${SNAPSHOTTER}`]: top,
    }),
    layers,
  };
  const labels = manifestLabels(manifest);
  const type = MEDIA_TYPE.ociManifest;
  return await writeJson(ctx, content, type, manifest, labels);
}

/** Of this platform and of one that is not in the store, as most are. */
function oneIndex(
  ctx: Context,
  { store }: PlainStore,
  manifest: Descriptor,
): Promise<Descriptor> {
  const architecture = Deno.build.arch === "x86_64" ? "amd64" : "arm64";
  const absent = `sha256:${
    manifest.digest.slice(7).split("").reverse().join("")
  }`;
  const index: Index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociIndex,
    manifests: [
      {
        ...manifest,
        digest: absent as Digest,
        platform: { os: "linux", architecture: "s390x" },
      },
      { ...manifest, platform: { os: "linux", architecture } },
    ],
  };
  const labels = indexLabels(index);
  return writeJson(ctx, store.content, MEDIA_TYPE.ociIndex, index, labels);
}
