/** Pulling from a real registry into a real store. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../src/base/errors.ts";
import { parseReference } from "../src/base/reference.ts";
import { LABEL } from "../src/core/labels.ts";
import type { Progress } from "../src/core/progress.ts";
import type { Services } from "../src/core/services.ts";
import { pullImage } from "../src/engine/pull.ts";
import { pushImage } from "../src/engine/push.ts";
import { ensureUnpacked, localContent } from "../src/engine/unpack.ts";
import { chainIds } from "../src/oci/chain_id.ts";
import { errnoMessage } from "../src/sys/libc.ts";
import { syncFileSystem } from "../src/sys/fs.ts";
import {
  ctx,
  isRoot,
  type MadeImage,
  makeImage,
  openStore,
  upload,
} from "./pull_support.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";
import { rawTar } from "./support/raw_tar.ts";

const ignore = !isRoot || !hasRegistry();

const bigData = "0123456789abcdef".repeat(40_000);

function threeLayers(): Promise<MadeImage> {
  return makeImage([
    {
      tar: rawTar(
        { flag: "5", name: "usr/", mode: 0o755 },
        { name: "usr/big", data: bigData },
        { flag: "2", name: "bin", link: "usr" },
      ),
    },
    { tar: rawTar({ name: "bin/tool", data: "tool" }) },
    { tar: rawTar({ name: "usr/.wh.big" }), compression: "none" },
  ]);
}

interface Bench {
  readonly services: Services;
  readonly image: MadeImage;
  readonly name: string;
  readonly storePath: string;
}

async function withBench(use: (bench: Bench) => Promise<void>): Promise<void> {
  await using registry = await startRegistry();
  await using store = await openStore();
  const image = await threeLayers();
  await upload(image, registry.host, "test/image");
  await use({
    services: store.connection.services,
    image,
    name: `${registry.host}/test/image:latest`,
    storePath: store.path,
  });
}

async function filesOf(services: Services, top: string): Promise<string[]> {
  const snapshotter = services.snapshotters.get(services.defaultSnapshotter);
  assert(snapshotter !== undefined);
  const target = await Deno.makeTempDir();
  const mounts = await snapshotter.view(ctx, "look", top);
  try {
    await using _mounted = await services.mounter.mount(ctx, mounts, target);
    return [target, `${target}/usr`].flatMap((path) =>
      [...Deno.readDirSync(path)].map(({ name }) => name)
    ).sort();
  } finally {
    await snapshotter.remove(ctx, "look");
    await Deno.remove(target);
  }
}

// Once before the tests, or the sanitizer would count libc's symbols to the one
// that needs them first.
if (!ignore) {
  await syncFileSystem("/proc");
  errnoMessage(1);
  await withBench(async ({ services, name }) => {
    await pullImage(ctx, services, parseReference(name));
    await filesOf(services, await topOf(services, name));
  });
}

async function topOf(services: Services, name: string): Promise<string> {
  const image = await services.images.get(ctx, name);
  return (await ensureUnpacked(ctx, services, image)).snapshot;
}

Deno.test({
  name: "pullImage() stores, unpacks and names an image",
  ignore,
  fn: () =>
    withBench(async ({ services, image, name }) => {
      const pulled = await pullImage(ctx, services, parseReference(name));
      assertEquals(pulled.name, name);
      assertEquals(pulled.target.digest, image.manifest.digest);
      const top = (await chainIds(image.diffIds)).at(-1) ?? "";
      assertEquals(await topOf(services, name), top);
      assertEquals(await filesOf(services, top), ["bin", "tool", "usr"]);
      for (const { bytes, at } of image.blobs) {
        const path = await localContent(services).blobPath(ctx, at.digest);
        assertEquals(await Deno.readFile(path), bytes);
      }
    }),
});

Deno.test({
  name: "pullImage() leaves labels that keep all parts and no lease",
  ignore,
  fn: () =>
    withBench(async ({ services, image, name }) => {
      await pullImage(ctx, services, parseReference(name));
      const [layer] = image.blobs;
      assert(layer !== undefined);
      const { labels } = await services.content.info(ctx, layer.at.digest);
      assertEquals(labels[LABEL.uncompressed], image.diffIds[0]);
      assertEquals(await Array.fromAsync(services.leases.list(ctx)), []);
      await services.collector.collect(ctx);
      assertEquals(await filesOf(services, await topOf(services, name)), [
        "bin",
        "tool",
        "usr",
      ]);
      await pushImage(
        ctx,
        services,
        await services.images.get(ctx, name),
        parseReference(name),
      );
    }),
});

Deno.test({
  name: "pullImage() fetches nothing when all is there",
  ignore,
  fn: () =>
    withBench(async ({ services, name }) => {
      const reference = parseReference(name);
      await pullImage(ctx, services, reference);
      const states: Progress[] = [];
      await pullImage(ctx, services, reference, {
        onProgress: (progress) => states.push(progress),
      });
      const layers = states.filter(({ kind }) => kind === "layer");
      assertEquals(
        new Set(layers.map(({ state }) => state)),
        new Set(["exists"]),
      );
    }),
});

Deno.test({
  name: "pullImage() fetches content anew when what is stored is damaged",
  ignore,
  fn: () =>
    withBench(async ({ services, image, name }) => {
      const reference = parseReference(name);
      await pullImage(ctx, services, reference, { extent: "content" });
      const [layer] = image.blobs;
      assert(layer !== undefined);
      const path = await localContent(services).blobPath(ctx, layer.at.digest);
      const damaged = layer.bytes.slice();
      damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 0xff;
      await Deno.chmod(path, 0o600);
      await Deno.writeFile(path, damaged);
      await pullImage(ctx, services, reference);
      const again = await localContent(services).blobPath(
        ctx,
        layer.at.digest,
      );
      assertEquals(await Deno.readFile(again), layer.bytes);
    }),
});

Deno.test({
  name: "pullImage() resumes what an interrupted pull left",
  ignore,
  fn: () =>
    withBench(async ({ services, image, name }) => {
      const [layer] = image.blobs;
      assert(layer !== undefined);
      {
        await using ingest = await localContent(services).ingestFile(
          ctx,
          `blob-${layer.at.digest}`,
          layer.at,
        );
        await Deno.writeFile(ingest.path, layer.bytes.subarray(0, 1000));
      }
      const seen: number[] = [];
      await pullImage(ctx, services, parseReference(name), {
        onProgress: ({ subject, doneBytes, state }) => {
          if (subject !== layer.at.digest || state !== "downloading") return;
          seen.push(doneBytes);
        },
      });
      assert(seen.every((bytes) => bytes >= 1000), `${seen}`);
      assertEquals(await filesOf(services, await topOf(services, name)), [
        "bin",
        "tool",
        "usr",
      ]);
    }),
});

Deno.test({
  name: "pullImage() starts again when the resumed bytes are wrong",
  ignore,
  fn: () =>
    withBench(async ({ services, image, name }) => {
      const [layer] = image.blobs;
      assert(layer !== undefined);
      {
        await using ingest = await localContent(services).ingestFile(
          ctx,
          `blob-${layer.at.digest}`,
          layer.at,
        );
        await Deno.writeFile(ingest.path, new Uint8Array(1000).fill(7));
      }
      await pullImage(ctx, services, parseReference(name));
      const path = await localContent(services).blobPath(ctx, layer.at.digest);
      assertEquals(await Deno.readFile(path), layer.bytes);
    }),
});

Deno.test({
  name: "pullImage() refuses an image whose layer is not what its config says",
  ignore,
  fn: () =>
    withBench(async ({ services, name }) => {
      const [one, two] = await Promise.all(
        ["one", "two"].map((data) =>
          makeImage([{ tar: rawTar({ name: "file", data }) }])
        ),
      );
      assert(one !== undefined && two !== undefined);
      const manifest = JSON.parse(
        new TextDecoder().decode(one.manifestBytes),
      );
      const [foreign] = two.blobs;
      assert(foreign !== undefined);
      manifest.layers = [foreign.at];
      const mixed = await withManifest(one, manifest, two);
      const { domain } = parseReference(name);
      await upload(mixed, domain, "test/mixed");
      const error = await assertRejects(
        () => pullImage(ctx, services, parseReference(`${domain}/test/mixed`)),
        EngineError,
        "diff ID",
      );
      assertEquals(error.code, "dataLoss");
      assertEquals(await Array.fromAsync(services.images.list(ctx)), []);
    }),
});

async function withManifest(
  image: MadeImage,
  manifest: unknown,
  others: MadeImage,
): Promise<MadeImage> {
  const manifestBytes = new TextEncoder().encode(JSON.stringify(manifest));
  const hash = await crypto.subtle.digest("SHA-256", manifestBytes);
  const digest = `sha256:${new Uint8Array(hash).toHex()}`;
  return {
    ...image,
    manifestBytes,
    manifest: {
      ...image.manifest,
      digest: digest as MadeImage["manifest"]["digest"],
      size: manifestBytes.length,
    },
    blobs: [...image.blobs, ...others.blobs],
  };
}

Deno.test({
  name: "pullImage() ends soon and leaves no lease when its signal fires",
  ignore,
  fn: () =>
    withBench(async ({ services, name }) => {
      const stop = new AbortController();
      const pull = pullImage(
        { ...ctx, signal: stop.signal },
        services,
        parseReference(name),
        { onProgress: ({ kind }) => kind === "layer" && stop.abort() },
      );
      await assertRejects(() => pull);
      assertEquals(await Array.fromAsync(services.leases.list(ctx)), []);
      await pullImage(ctx, services, parseReference(name));
    }),
});
