/** A mirror that sends something else: the next host is asked. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { lazyResolver } from "../src/app/lazy_services.ts";
import { EngineError } from "../src/base/errors.ts";
import { parseReference } from "../src/base/reference.ts";
import type { Services } from "../src/core/services.ts";
import { pullImage } from "../src/engine/pull.ts";
import { localContent } from "../src/engine/unpack.ts";
import {
  ctx,
  isRoot,
  type MadeImage,
  makeImage,
  openStore,
} from "./pull_support.ts";
import { noise, quickResolver } from "./registry_support.ts";
import {
  type Lie,
  type LyingRegistry,
  startLyingRegistry,
} from "./support/lying_registry.ts";
import { rawTar } from "./support/raw_tar.ts";

interface Bench {
  readonly services: Services;
  readonly image: MadeImage;
  readonly mirror: LyingRegistry;
  readonly origin: LyingRegistry;
  readonly pull: () => Promise<unknown>;
}

async function fill(registry: LyingRegistry, image: MadeImage): Promise<void> {
  for (const { bytes } of image.blobs) await registry.addBlob(bytes);
  await registry.addManifest(image.manifestBytes, "latest");
}

/** `example.test` is on this machine, and so is its mirror, asked before it. */
async function withBench(
  use: (bench: Bench) => Promise<void>,
  hosts: "mirror and origin" | "origin" = "mirror and origin",
): Promise<void> {
  await using mirror = startLyingRegistry();
  await using origin = startLyingRegistry();
  await using store = await openStore();
  const configDir = `${store.path}/certs.d`;
  await Deno.mkdir(`${configDir}/example.test`, { recursive: true });
  const mirrored = `[host."http://${mirror.host}"]\n` +
    `capabilities = ["pull", "resolve"]\n`;
  await Deno.writeTextFile(
    `${configDir}/example.test/hosts.toml`,
    `server = "http://${origin.host}"\n` + (hosts === "origin" ? "" : mirrored),
  );
  using quick = quickResolver({ configDirs: [configDir] });
  // As the program does, which loads it at the first call.
  const resolver = lazyResolver(() => Promise.resolve(quick));
  const services = { ...store.connection.services, resolver };
  const image = await makeImage([
    { tar: rawTar({ name: "one", data: "one" }) },
    { tar: rawTar({ name: "two", data: "two" }), compression: "none" },
  ]);
  await fill(mirror, image);
  await fill(origin, image);
  const reference = parseReference("example.test/test/image:latest");
  const pull = () => pullImage(ctx, services, reference);
  await use({ services, image, mirror, origin, pull });
}

/** As many bytes as there should be, and others. */
const otherBytes = (image: MadeImage, which: number): Lie => (_, { path }) => {
  const blob = image.blobs[which];
  assert(blob !== undefined);
  return path.endsWith(blob.at.digest)
    ? new Response(noise(blob.at.size))
    : undefined;
};

/** Asked for the bytes of a blob. */
const gets = ({ requests }: LyingRegistry, { blobs }: MadeImage, n: number) =>
  requests.filter(({ path }) => path.endsWith(blobs[n]?.at.digest ?? "none"))
    .length;

async function assertRight({ services, image }: Bench): Promise<void> {
  for (const { bytes, at } of image.blobs) {
    const path = await localContent(services).blobPath(ctx, at.digest);
    assertEquals(await Deno.readFile(path), bytes);
  }
}

const PARTS = { layer: 0, plainLayer: 1, config: 2 } as const;
const ignore = !isRoot;

if (!ignore) await withBench(async ({ pull }) => void await pull());

for (const [name, which] of Object.entries(PARTS)) {
  Deno.test({
    name: `pullImage() asks the next host for a ${name} that is wrong`,
    ignore,
    fn: () =>
      withBench(async (bench) => {
        const { image, mirror, origin, pull } = bench;
        mirror.lie = otherBytes(image, which);
        await pull();
        await assertRight(bench);
        assertEquals(gets(mirror, image, which), 1);
        assertEquals(gets(origin, image, which), 1);
      }),
  });

  Deno.test({
    name: `pullImage() says what each host said of a ${name}`,
    ignore,
    fn: () =>
      withBench(async ({ services, image, mirror, origin, pull }) => {
        mirror.lie = origin.lie = otherBytes(image, which);
        const error = await pull().then(() => undefined, EngineError.from);
        assertEquals(error?.code, "dataLoss");
        const message = error?.message ?? "";
        assertStringIncludes(message, "all 2 hosts failed");
        for (const { host } of [mirror, origin]) {
          assertStringIncludes(message, `http://${host}/v2`);
        }
        assertEquals(message.split("it sends something else").length, 3);
        const { digest } = image.blobs[which]?.at ?? {};
        for await (const content of services.content.walk(ctx)) {
          assert(content.digest !== digest);
        }
      }),
  });
}

Deno.test({
  name: "pullImage() names the only host when its bytes are wrong",
  ignore,
  fn: () =>
    withBench(async ({ image, origin, pull }) => {
      origin.lie = otherBytes(image, PARTS.config);
      const error = await pull().then(() => undefined, EngineError.from);
      assertEquals(error?.code, "dataLoss");
      const said = `http://${origin.host}/v2 (`;
      assertStringIncludes(error?.message ?? "", said);
    }, "origin"),
});

Deno.test({
  name: "pullImage() says what the others said where one has sent other bytes",
  ignore,
  fn: () =>
    withBench(async ({ image, mirror, origin, pull }) => {
      mirror.lie = otherBytes(image, PARTS.layer);
      origin.lie = (_, { path }) =>
        path.includes("/blobs/")
          ? new Response("on holiday", { status: 403 })
          : undefined;
      const error = await pull().then(() => undefined, EngineError.from);
      assertEquals(error?.code, "permissionDenied");
      assertStringIncludes(error?.message ?? "", "it sends something else");
      assertStringIncludes(error?.message ?? "", "on holiday");
    }),
});

Deno.test({
  name: "pullImage() ends when no host has a layer",
  ignore,
  fn: () =>
    withBench(async ({ image, mirror, origin, pull }) => {
      const { digest } = image.blobs[PARTS.layer]?.at ?? {};
      mirror.lie = origin.lie = (_, { path }) =>
        path.endsWith(digest ?? "")
          ? new Response(null, { status: 404 })
          : undefined;
      const error = await pull().then(() => undefined, EngineError.from);
      assertEquals(error?.code, "notFound");
      assertStringIncludes(error?.message ?? "", "all 2 hosts failed");
    }),
});

Deno.test({
  name: "pullImage() asks nobody else where the image itself is broken",
  ignore,
  fn: () =>
    withBench(async ({ services, mirror, origin }) => {
      const broken = await makeImage([
        { tar: noise(5000), compression: "none" },
      ]);
      await fill(mirror, broken);
      await fill(origin, broken);
      const reference = parseReference("example.test/test/image:latest");
      const error = await pullImage(ctx, services, reference)
        .then(() => undefined, EngineError.from);
      assertEquals(error?.code, "dataLoss");
      assertStringIncludes(error?.message ?? "", "Cannot unpack layer");
    }),
});

Deno.test({
  name: "pullImage() takes up a download from the start if it was wrong",
  ignore,
  fn: () =>
    withBench(async (bench) => {
      const { services, image, mirror, origin, pull } = bench;
      for (const { at } of image.blobs) {
        await using writer = await services.content.writer(
          ctx,
          `blob-${at.digest}`,
          at,
        );
        await writer.write(noise(10));
      }
      await pull();
      await assertRight(bench);
      assertEquals(gets(origin, image, PARTS.layer), 0);
      assertEquals(gets(mirror, image, PARTS.layer), 2);
    }),
});
