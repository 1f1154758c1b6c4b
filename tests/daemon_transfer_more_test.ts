/** Transfers of images for several platforms, and ones that are broken off. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { StreamingDefinition } from "../proto/gen/containerd/services/streaming/v1/streaming.ts";
import { resolverOpener } from "../src/app/daemon/transfer_resolver.ts";
import { EngineError } from "../src/base/errors.ts";
import { hostPlatform } from "../src/base/platform.ts";
import type { ImageVerifier } from "../src/core/image_verifier.ts";
import { createTransferrer } from "../src/engine/transfer/transferrer.ts";
import type { Descriptor } from "../src/oci/image_spec.ts";
import { MEDIA_TYPE } from "../src/oci/media_types.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";
import { rawTar } from "./support/raw_tar.ts";
import {
  exportStream,
  imageStore,
  importStream,
  openStream,
  receiveStream,
  registry as ociRegistry,
  sendStream,
  transfer,
} from "./support/transfer_client.ts";
import { ctx, isRoot, makeImage, openStore, upload } from "./pull_support.ts";

const ignore = !isRoot || !hasRegistry();

const { os, architecture } = hostPlatform(Deno.build);
const HERE = { os, architecture };
const OTHER = { os: "linux", architecture: "riscv64" };

async function failure(work: Promise<unknown>): Promise<EngineError> {
  return await assertRejects(() => work, EngineError);
}

/** An index of two images, one of them for here. */
async function uploadIndex(host: string, name: string) {
  const here = await makeImage([{ tar: rawTar({ name: "here", data: "1" }) }]);
  const other = await makeImage([{ tar: rawTar({ name: "far", data: "2" }) }]);
  await upload(here, host, name);
  await upload(other, host, name);
  const entry = (target: Descriptor, platform: Descriptor["platform"]) => ({
    ...target,
    platform,
  });
  const index = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociIndex,
    manifests: [entry(other.manifest, OTHER), entry(here.manifest, HERE)],
  };
  const put = await fetch(`http://${host}/v2/${name}/manifests/both`, {
    method: "PUT",
    headers: { "content-type": MEDIA_TYPE.ociIndex },
    body: JSON.stringify(index),
  });
  assertEquals(put.status, 201, await put.text());
  return { here, other };
}

async function digests(daemon: Daemon): Promise<readonly string[]> {
  return (await daemon.expectCtr("content", "ls", "-q")).split("\n");
}

Deno.test({
  name: "the daemon transfers what is wanted of several platforms",
  ignore,
}, async (t) => {
  await using daemon = await openDaemon();
  await using hub = await startRegistry();
  const { here, other } = await uploadIndex(hub.host, "team/app");
  const reference = `${hub.host}/team/app:both`;
  const from = ociRegistry({ reference });
  const layerOf = (image: typeof here) => image.blobs[0]?.at.digest ?? "";

  await t.step("one platform, and none that is not there", async () => {
    const name = "example.com/one:v1";
    await transfer(daemon, from, imageStore({ name, platforms: [HERE] }));
    const found = await digests(daemon);
    assert(found.includes(layerOf(here)));
    assert(!found.includes(other.manifest.digest));
    const platforms = [{ os: "plan9", architecture: "mips" }];
    const nothing = imageStore({ name, platforms });
    assertEquals(
      (await failure(transfer(daemon, from, nothing))).code,
      "notFound",
    );
  });

  await t.step("metadata of the others", async () => {
    const name = "example.com/meta:v1";
    await transfer(
      daemon,
      from,
      imageStore({ name, platforms: [HERE], allMetadata: true }),
    );
    const found = await digests(daemon);
    assert(found.includes(other.manifest.digest));
    assert(!found.includes(layerOf(other)));
  });

  await t.step("no more manifests than allowed", async () => {
    await using fresh = await openDaemon();
    const name = "example.com/limit:v1";
    const platforms = [HERE, OTHER];
    const store = imageStore({ name, platforms, manifestLimit: 1 });
    await transfer(fresh, from, store);
    const found = await digests(fresh);
    assert(found.includes(here.manifest.digest));
    assert(!found.includes(other.manifest.digest));
  });

  await t.step(
    "all of them, to another registry and to an archive",
    async () => {
      const name = "example.com/all:v1";
      await transfer(daemon, from, imageStore({ name }));
      assert((await digests(daemon)).includes(layerOf(other)));
      const copy = ociRegistry({ reference: `${hub.host}/team/copy:both` });
      await transfer(daemon, imageStore({ name }), copy);
      const stream = await openStream(daemon, "all");
      const reading = receiveStream(stream);
      const to = exportStream({ stream: stream.id, allPlatforms: true });
      await transfer(daemon, imageStore({ name }), to);
      const archive = await reading;

      await using fresh = await openDaemon();
      const source = await openStream(fresh, "all");
      const sending = sendStream(source, archive);
      const told = await transfer(
        fresh,
        importStream({ stream: source.id }),
        imageStore({
          extraReferences: [{
            name: "import",
            isPrefix: true,
            allowOverwrite: true,
          }],
        }),
      );
      await sending;
      const saved = told.filter(({ event }) => event === "saved");
      assertEquals(saved.map((it) => it.name), [name]);
      assert((await digests(fresh)).includes(layerOf(other)));
    },
  );
});

Deno.test({
  name: "the daemon leaves nothing of a transfer that is broken off",
  ignore: !isRoot,
}, async (t) => {
  await using daemon = await openDaemon();
  const nothingLeft = async () => {
    for (let tries = 0;; tries++) {
      const leases = await daemon.expectCtr("leases", "ls", "-q");
      const images = await daemon.expectCtr("images", "ls", "-q");
      if (`${leases}${images}`.trim() === "") return;
      assert(tries < 100, `there is still ${leases} ${images}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  await t.step("by its client, in the middle of an archive", async () => {
    const abort = new AbortController();
    const stream = await openStream(daemon, "half", abort.signal);
    const half = rawTar({ name: "a", data: "a".repeat(3_000_000) });
    const sending = sendStream(stream, half.subarray(0, 2_000_000));
    const work = transfer(
      daemon,
      importStream({ stream: stream.id }),
      imageStore({ name: "example.com/half:v1" }),
      { signal: abort.signal },
    );
    const rejected = assertRejects(() => work);
    await new Promise((resolve) => setTimeout(resolve, 200));
    abort.abort();
    await rejected;
    await sending.catch(() => {});
    await nothingLeft();
    // The name is free again.
    const again = await openStream(daemon, "half");
    again.closeSend();
  });

  await t.step("by its client, who never says a password", async () => {
    await using hub = await startRegistry({
      account: { username: "a", password: "b" },
    });
    const abort = new AbortController();
    const auth = await openStream(daemon, "silent", abort.signal);
    const reference = `${hub.host}/team/app:v1`;
    const work = transfer(
      daemon,
      ociRegistry({ reference, resolver: { authStream: auth.id } }),
      imageStore({ name: reference }),
      { signal: abort.signal },
    );
    const rejected = assertRejects(() => work);
    await auth.receive();
    abort.abort();
    await rejected;
    auth.closeSend();
    await nothingLeft();
  });

  await t.step("by the end of an archive that is not whole", async () => {
    const stream = await openStream(daemon, "short");
    const half = rawTar({ name: "a", data: "a".repeat(3_000_000) });
    const sending = sendStream(stream, half.subarray(0, 2_000_000));
    const work = transfer(
      daemon,
      importStream({ stream: stream.id }),
      imageStore({ name: "example.com/half:v1" }),
    );
    assertEquals((await failure(work)).code, "dataLoss");
    await sending;
    await nothingLeft();
  });

  await t.step("and knows a stream by one name", async () => {
    const first = await openStream(daemon, "name");
    const second = await failure(openStream(daemon, "name"));
    assertEquals(second.code, "alreadyExists");
    first.closeSend();
    const stub = daemon.stub(StreamingDefinition);
    const typeUrl = "google.protobuf.Empty";
    const nameless = stub.stream(
      ReadableStream.from([{ typeUrl, value: new Uint8Array() }]),
      { metadata: daemon.headers },
    );
    const refused = await failure(Array.fromAsync(nameless));
    assertEquals(refused.code, "invalidArgument");
  });
});

Deno.test({
  name: "the daemon compresses layers of docker's archives, if it is asked",
  ignore: !isRoot,
}, async () => {
  await using daemon = await openDaemon();
  const tar = rawTar({ name: "a", data: "a".repeat(100_000) });
  const { blobs } = await makeImage([{ tar, compression: "none" }]);
  const [layer, config] = blobs;
  assert(layer !== undefined && config !== undefined);
  const archive = rawTar(
    { name: "config.json", data: config.bytes },
    { name: "layer.tar", data: layer.bytes },
    {
      name: "manifest.json",
      data: JSON.stringify([
        { Config: "config.json", RepoTags: ["app:v1"], Layers: ["layer.tar"] },
      ]),
    },
  );
  const stream = await openStream(daemon, "docker");
  const sending = sendStream(stream, archive);
  const told = await transfer(
    daemon,
    importStream({ stream: stream.id, forceCompress: true }),
    imageStore({
      extraReferences: [{ name: "i", isPrefix: true, allowOverwrite: true }],
      unpacks: [{ platform: HERE, snapshotter: "" }],
    }),
  );
  await sending;
  const name = "docker.io/library/app:v1";
  const saved = told.filter(({ event }) => event === "saved");
  assertEquals(saved.map((it) => it.name), [name]);
  const manifest = JSON.parse(
    await daemon.expectCtr("content", "get", saved[0]?.desc?.digest ?? ""),
  );
  const [stored] = manifest.layers;
  assert(stored.mediaType.endsWith(".gzip"), stored.mediaType);
  assert(stored.size < layer.bytes.length / 10);
  const labels = await daemon.expectCtr("content", "ls");
  assert(labels.includes(`containerd.io/uncompressed=${layer.at.digest}`));
  await daemon.expectCtr("images", "check", `name==${name}`);
});

Deno.test({
  name: "verifiers can refuse an image",
  ignore,
  // Drivers open symbols of libc that stay open.
  sanitizeResources: false,
}, async () => {
  await using hub = await startRegistry();
  await using store = await openStore();
  await upload(
    await makeImage([{ tar: rawTar({ name: "a", data: "a" }) }]),
    hub.host,
    "team/app",
  );
  const { services } = store.connection;
  const reference = `${hub.host}/team/app:latest`;
  const pullWith = (...verifiers: ImageVerifier[]) =>
    createTransferrer({
      services,
      openResolver: resolverOpener({
        services,
        registryDirs: [],
        like: "services",
      }),
      verifiers: () => verifiers,
    }).transfer(
      ctx,
      { kind: "registry", reference, access: { headers: {} } },
      {
        kind: "imageStore",
        name: reference,
        labels: {},
        platforms: [],
        metadata: "wanted",
        extraReferences: [],
        unpacks: [],
      },
    );
  const asked: string[] = [];
  const answering = (ok: boolean): ImageVerifier => ({
    name: "strict",
    verify: (_ctx, name, { digest }) => {
      asked.push(`${name} ${digest.slice(0, 7)}`);
      return Promise.resolve({ ok, reason: "not signed" });
    },
  });
  const [yes, no] = ["ok", "no"].map((word) => answering(word === "ok"));
  assert(yes !== undefined && no !== undefined);
  const refused = await failure(pullWith(yes, no));
  assert(
    refused.message.startsWith(
      `image verifier strict blocked pull of ${reference} with digest sha256:`,
    ),
  );
  assertEquals(await Array.fromAsync(services.images.list(ctx)), []);
  await pullWith(yes);
  assertEquals(asked, Array(3).fill(`${reference} sha256:`));
});
