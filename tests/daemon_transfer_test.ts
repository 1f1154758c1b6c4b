/** Transfers by the daemon, asked for as containerd's client 2.x does. */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { TransferDefinition } from "../proto/gen/containerd/services/transfer/v1/transfer.ts";
import {
  AuthType,
  HTTPDebug,
} from "../proto/gen/containerd/types/transfer/registry.ts";
import { EngineError } from "../src/base/errors.ts";
import { hostPlatform } from "../src/base/platform.ts";
import { MEDIA_TYPE } from "../src/oci/media_types.ts";
import { openDaemon } from "./support/daemon.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";
import { rawTar } from "./support/raw_tar.ts";
import {
  answerAuth,
  exportStream,
  imageStore,
  importStream,
  openStream,
  receiveStream,
  registry as ociRegistry,
  sendStream,
  transfer,
} from "./support/transfer_client.ts";
import { isRoot, makeImage, upload } from "./pull_support.ts";

const ignore = !isRoot || !hasRegistry();

const { os, architecture } = hostPlatform(Deno.build);
const HERE = { os, architecture };

async function sampleImage() {
  return await makeImage([
    { tar: rawTar({ name: "bin/", flag: "5" }, { name: "bin/a", data: "a" }) },
    { tar: rawTar({ name: "b", data: "b".repeat(300_000) }) },
  ]);
}

async function failure(work: Promise<unknown>): Promise<EngineError> {
  return await assertRejects(() => work, EngineError);
}

Deno.test({ name: "the daemon transfers images", ignore }, async (t) => {
  await using daemon = await openDaemon();
  await using hub = await startRegistry();
  await upload(await sampleImage(), hub.host, "team/app");
  const app = `${hub.host}/team/app:latest`;

  await t.step("from a registry, and unpacks them", async () => {
    const told = await transfer(
      daemon,
      ociRegistry({ reference: app }),
      imageStore({
        name: app,
        labels: { mine: "yes" },
        platforms: [HERE],
        allMetadata: true,
        unpacks: [{ platform: HERE, snapshotter: "" }],
      }),
    );
    const images = await daemon.expectCtr("images", "ls", `name==${app}`);
    assertStringIncludes(images, app);
    assertStringIncludes(images, "mine=yes");
    const events = told.map(({ event }) => event);
    assertEquals(events[0], `Resolving from OCI Registry (${app})`);
    assertEquals(events.at(-1), `Completed pull from OCI Registry (${app})`);
    assert(events.includes("saved"));
    const layers = told.filter(({ name }) => name.startsWith("layer-sha256:"));
    assertEquals(
      new Set(
        layers.filter(({ event }) => event === "extracted")
          .map(({ name }) => name),
      ).size,
      2,
    );
    const manifest = told.find(({ name }) => name.startsWith("manifest-"));
    assertEquals(manifest?.parents, [app]);
    assert(layers.every(({ parents }) => parents[0] === manifest?.name));
    assert(layers.every(({ desc }) => desc?.digest.startsWith("sha256:")));
    const { stdout } = await daemon.call("images", "-q");
    assert(stdout !== "", "the command line sees it, too");
    const leases = await daemon.expectCtr("leases", "ls", "-q");
    assertEquals(leases.trim(), "");
  });

  await t.step("to another name", async () => {
    await transfer(
      daemon,
      imageStore({ name: app }),
      imageStore({
        name: "example.com/other:v1",
        labels: { x: "y" },
        extraReferences: [{ name: "example.com/third:v1" }],
      }),
    );
    const names = (await daemon.expectCtr("images", "ls", "-q")).split("\n");
    assert(names.includes("example.com/other:v1"));
    assert(names.includes("example.com/third:v1"));
    const missing = await failure(transfer(
      daemon,
      imageStore({ name: "example.com/none:v1" }),
      imageStore({ name: "example.com/more:v1" }),
    ));
    assertEquals(missing.code, "notFound");
  });

  await t.step("to a registry", async () => {
    const copy = `${hub.host}/team/copy:v2`;
    const to = ociRegistry({ reference: copy });
    const told = await transfer(daemon, imageStore({ name: app }), to);
    const events = told.map(({ event }) => event);
    assertEquals(events.at(-1), `Completed push to OCI Registry (${copy})`);
    assert(events.includes("pushed content"));
    const answer = await fetch(`${hub.url}team/copy/manifests/v2`, {
      headers: { accept: MEDIA_TYPE.ociManifest },
    });
    assertEquals(answer.status, 200);
    await answer.body?.cancel();
  });

  let archive: Uint8Array<ArrayBuffer> = new Uint8Array();
  await t.step("to an archive, also to a slow reader", async () => {
    for (const pause of [0, 5]) {
      const stream = await openStream(daemon, `export-${pause}`);
      const reading = receiveStream(
        stream,
        () => new Promise((resolve) => setTimeout(resolve, pause)),
      );
      const to = exportStream({ stream: stream.id, platforms: [HERE] });
      await transfer(daemon, imageStore({ name: app }), to);
      archive = await reading;
      const listed = await listTar(archive);
      assert(listed.includes("oci-layout"));
      assert(listed.includes("index.json"));
      assert(listed.includes("manifest.json"));
      assertEquals(listed.filter((it) => /sha256\/./.test(it)).length, 4);
    }
  });

  await t.step("from an archive, by the names it has", async () => {
    const names = await importAs(daemon, archive, {
      extraReferences: [{
        name: "example.com/import",
        isPrefix: true,
        allowOverwrite: true,
        addDigest: true,
      }],
      platforms: [HERE],
    });
    assert(names.includes(app));
    assert(names.some((it) => it.startsWith("example.com/import@sha256:")));
  });

  await t.step("from an archive, under a name for its index", async () => {
    const name = "example.com/index:v1";
    const unpacks = [{ platform: HERE, snapshotter: "native" }];
    const names = await importAs(daemon, archive, { name, unpacks });
    assertEquals(names, [name]);
    const snapshots = await daemon.expectCtr(
      ...["snapshots", "--snapshotter", "native", "ls"],
    );
    assertEquals(snapshots.split("\n").filter((it) => it !== "").length, 3);
    await daemon.expectCtr("images", "check");
  });

  await t.step("from an archive to an archive as it is", async () => {
    const from = await openStream(daemon, "from");
    const to = await openStream(daemon, "to");
    const sending = sendStream(from, archive);
    const reading = receiveStream(to);
    await transfer(
      daemon,
      importStream({ stream: from.id }),
      exportStream({ stream: to.id }),
    );
    await sending;
    assertEquals(await reading, archive);
  });

  await t.step("and refuses what it can't", async () => {
    const store = imageStore({ name: app });
    const unknown = {
      typeUrl: "example.com/Nonsense",
      value: new Uint8Array(),
    };
    for (
      const [from, to] of [
        [unknown, store],
        [store, unknown],
        [ociRegistry({ reference: app }), ociRegistry({ reference: app })],
      ] as const
    ) {
      const refused = await failure(transfer(daemon, from, to));
      assertEquals(refused.code, "unimplemented");
      assertStringIncludes(refused.message, "method Transfer not implemented");
    }
    const noStream = importStream({ stream: "nobody" });
    const missing = await failure(transfer(daemon, noStream, store));
    assertEquals(missing.code, "notFound");
    const nothing = await failure(transfer(
      daemon,
      ociRegistry({ reference: `${hub.host}/team/none:v1` }),
      store,
    ));
    assertEquals(nothing.code, "notFound");
    const other = await failure(
      transfer(
        daemon,
        ociRegistry({ reference: app }),
        imageStore({
          name: app,
          platforms: [{ os: "plan9", architecture: "x" }],
        }),
      ).then(() => {
        throw new EngineError("notFound", "a manifest is for any platform");
      }),
    );
    assertEquals(other.code, "notFound");
    const broken = await failure(importAs(daemon, archive.slice(0, 3_000), {
      name: "example.com/broken:v1",
    }));
    assertEquals(broken.code, "dataLoss");
    assertEquals(daemon.log().includes("uncaught"), false);
  });

  await t.step("in a namespace only", async () => {
    const call = daemon.stub(TransferDefinition).transfer({
      source: imageStore({ name: app }),
      destination: imageStore({ name: app }),
      options: undefined,
    });
    assertEquals((await failure(call)).code, "failedPrecondition");
  });
});

type Daemon = Awaited<ReturnType<typeof openDaemon>>;

/** @returns names that were told to be saved */
async function importAs(
  daemon: Daemon,
  archive: Uint8Array,
  store: object,
): Promise<readonly string[]> {
  const stream = await openStream(daemon, `import-${crypto.randomUUID()}`);
  const sending = sendStream(stream, archive);
  const from = importStream({ stream: stream.id });
  try {
    const told = await transfer(daemon, from, imageStore(store));
    return told.filter(({ event }) => event === "saved")
      .map(({ name }) => name);
  } finally {
    await sending;
  }
}

async function listTar(archive: Uint8Array<ArrayBuffer>): Promise<string[]> {
  const tar = new Deno.Command("tar", {
    args: ["-t"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = tar.stdin.getWriter();
  await writer.write(archive);
  await writer.close();
  const { stdout } = await tar.output();
  return new TextDecoder().decode(stdout).split("\n");
}

Deno.test(
  { name: "the daemon asks its client to log in", ignore },
  async () => {
    const account = { username: "ann", password: "s3cret" };
    await using daemon = await openDaemon();
    await using hub = await startRegistry({ account });
    const name = `${hub.host}/team/app:v1`;
    const archive = await makeArchive();
    await importAs(daemon, archive, { name: "example.com/app:v1" });
    const app = imageStore({ name: "example.com/app:v1" });
    const withCredentials = async (
      answer: object,
      move: (auth: string) => Promise<unknown>,
    ) => {
      const stream = await openStream(daemon, `creds-${crypto.randomUUID()}`);
      const asked = answerAuth(stream, answer);
      try {
        await move(stream.id);
      } finally {
        stream.closeSend();
      }
      return await asked;
    };
    const push = (auth: string) =>
      transfer(
        daemon,
        app,
        ociRegistry({ reference: name, resolver: { authStream: auth } }),
      );
    const { username, password: secret } = account;
    const authType = AuthType.CREDENTIALS;
    const liar = { authType, username, secret: "wr0ng" };
    const refused = await failure(withCredentials(liar, push));
    assertEquals(refused.code, "unauthenticated");
    const stranger = { authType: AuthType.NONE };
    const unknown = await failure(withCredentials(stranger, push));
    assertEquals(unknown.code, "unauthenticated");

    const honest = { authType, username, secret };
    assertEquals(await withCredentials(honest, push), [hub.host]);
    const asked = await withCredentials(honest, (auth) =>
      transfer(
        daemon,
        ociRegistry({ reference: name, resolver: { authStream: auth } }),
        imageStore({ name: "example.com/pulled:v1" }),
      ));
    assertEquals(asked, [hub.host], "it is asked once");
    assert(!daemon.log().includes(secret), "no secret in the log");
  },
);

Deno.test(
  { name: "the daemon shows what it asks a registry", ignore },
  async () => {
    await using daemon = await openDaemon();
    await using hub = await startRegistry();
    await upload(await sampleImage(), hub.host, "team/app");
    const name = `${hub.host}/team/app:latest`;
    const logs = await openStream(daemon, "logs");
    const reading = receiveStream(logs);
    const resolver = {
      logsStream: logs.id,
      httpDebug: HTTPDebug.DEBUG,
      defaultScheme: "http",
      headers: { "x-mine": "yes", authorization: "Basic c2VjcmV0" },
    };
    await transfer(
      daemon,
      ociRegistry({ reference: name, resolver }),
      imageStore({ name }),
    );
    const text = new TextDecoder().decode(await reading);
    assertStringIncludes(text, "HEAD /v2/team/app/manifests/latest HTTP/1.1");
    assertStringIncludes(text, "HTTP/1.1 200 OK");
    assertStringIncludes(text, "x-mine: yes");
    assert(!text.includes("c2VjcmV0"), "no secret is shown");
  },
);

Deno.test(
  { name: "the daemon asks where its client says", ignore },
  async () => {
    await using daemon = await openDaemon();
    await using hub = await startRegistry();
    await upload(await sampleImage(), hub.host, "team/app");
    const hostDir = `${daemon.dir}/hosts`;
    await Deno.mkdir(`${hostDir}/example.com`, { recursive: true });
    await Deno.writeTextFile(
      `${hostDir}/example.com/hosts.toml`,
      `[host."http://${hub.host}"]\n  capabilities = ["pull", "resolve"]\n`,
    );
    const reference = "example.com/team/app:latest";
    await transfer(
      daemon,
      ociRegistry({ reference, resolver: { hostDir } }),
      imageStore({ name: reference }),
    );
    assertStringIncludes(
      await daemon.expectCtr("images", "ls", "-q"),
      reference,
    );
  },
);

/** A docker archive with one image for this machine. */
async function makeArchive(): Promise<Uint8Array<ArrayBuffer>> {
  const { blobs, manifestBytes, manifest } = await sampleImage();
  const path = (digest: string) => `blobs/${digest.replace(":", "/")}`;
  const index = { schemaVersion: 2, manifests: [manifest] };
  return rawTar(
    { name: "oci-layout", data: '{"imageLayoutVersion":"1.0.0"}' },
    { name: path(manifest.digest), data: manifestBytes },
    ...blobs.map(({ at, bytes }) => ({ name: path(at.digest), data: bytes })),
    { name: "index.json", data: JSON.stringify(index) },
  );
}
