/** Snapshotters of other programs behind the daemon, `[proxy_plugins]`. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  CommitSnapshotRequest,
  PrepareSnapshotRequest,
  SnapshotsDefinition,
} from "../proto/gen/containerd/services/snapshots/v1/snapshots.ts";
import { remoteSnapshotter } from "../src/api/remote/snapshots.ts";
import { background } from "../src/base/context.ts";
import { EngineError } from "../src/base/errors.ts";
import { snapshotterSuite } from "../src/core/testing/snapshotter.ts";
import { createNativeSnapshotter } from "../src/drivers/snapshot_native/snapshotter.ts";
import { createProxiedSnapshotter } from "../src/drivers/snapshot_proxied/snapshotter.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { openRecords, underTest } from "./snapshot_support.ts";
import {
  ARCHIVE_IMAGE,
  makeBusyboxArchive,
} from "./support/busybox_archive.ts";
import { hasContainerd } from "./support/containerd.ts";
import { coracle } from "./support/coracle.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { flatSnapshotter } from "./support/external_snapshotter.ts";
import { ExternalSnapshotter } from "./support/external_snapshotter_process.ts";

Deno.test({
  name: "createProxiedSnapshotter() keeps the snapshotter's contract",
  ignore: Deno.uid() !== 0,
  // The copy opens symbols of libc that stay open.
  sanitizeResources: false,
  fn: (t) => snapshotterSuite(t, proxiedUnderTest),
});

async function proxiedUnderTest() {
  const directory = await Deno.makeTempDir({ prefix: "coracle-backend-" });
  const over = await openRecords(directory);
  const under = await underTest((root, records) =>
    createProxiedSnapshotter({
      name: "tested",
      address: "nowhere",
      backend: flatSnapshotter(
        createNativeSnapshotter({ root, records: over.records }),
      ),
      records,
      inventory: { walkSnapshots: () => [] },
      leases: { addResource: () => Promise.resolve() },
    })
  );
  return {
    ...under,
    [Symbol.asyncDispose]: async () => {
      await under[Symbol.asyncDispose]();
      over[Symbol.dispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** A daemon with two snapshotters of other programs. */
interface Bench extends AsyncDisposable {
  readonly daemon: Daemon;
  readonly dir: string;
  /** Of an image of one layer. */
  readonly archive: string;
  /** The layer's chain ID. */
  readonly chainId: string;
  /** Keeps what it is given. */
  readonly plain: ExternalSnapshotter;
  /** Has every layer by itself. */
  readonly lazy: ExternalSnapshotter;
  /** `KIND NAME` of what a program has. */
  has(name: "plain" | "lazy"): Promise<readonly string[]>;
}

Deno.test({
  name: "snapshotters of other programs",
  ignore: !hasContainerd(),
  fn: async (t) => {
    await using bench = await openBench();
    for (const [name, step] of Object.entries(STEPS)) {
      await t.step(name, async () => {
        try {
          await step(bench);
        } catch (error) {
          throw new Error(bench.daemon.log(), { cause: error });
        }
      });
    }
  },
});

async function openBench(): Promise<Bench> {
  await using undo = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "coracle-proxy-" });
  undo.defer(() => Deno.remove(dir, { recursive: true }));
  const archive = await makeBusyboxArchive(dir);
  const image = `${dir}/image`;
  const hash = await crypto.subtle
    .digest("SHA-256", await Deno.readFile(`${image}/layer.tar`));
  const external = async (name: string, layer?: string) => {
    const made = undo.use(
      new ExternalSnapshotter({
        ...{ name, directory: dir },
        ...layer === undefined ? {} : { layer },
      }),
    );
    await made.start();
    return made;
  };
  const plain = await external("plain");
  const lazy = await external("lazy", `${image}/rootfs`);
  await Deno.writeTextFile(`${dir}/config.toml`, configOf({ plain, lazy }));
  const args = ["--config", `${dir}/config.toml`];
  const daemon = undo.use(await openDaemon({ args }));
  const clients = new Map(["plain", "lazy"].map((name) => [
    name,
    undo.use(new GrpcClient({ path: `${dir}/${name}.sock` })),
  ]));
  const has = async (name: string) => {
    const client = clients.get(name);
    assert(client !== undefined);
    const all = remoteSnapshotter(client, name).walk(background());
    const infos = await Array.fromAsync(all);
    return infos.filter(({ name }) => !name.startsWith("probe/"))
      .map(({ kind, name }) => `${kind} ${name}`).sort();
  };
  await daemon.expectCtr(...PROBE, "prepare", "probe");
  const chainId = `sha256:${new Uint8Array(hash).toHex()}`;
  const owned = undo.move();
  return {
    ...{ daemon, dir, archive, chainId, plain, lazy, has },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function configOf(proxies: Record<string, { address: string }>): string {
  const table = (name: string, type: string, address: string) =>
    `[proxy_plugins.${name}]\n  type = "${type}"\n  address = "${address}"\n`;
  return [
    ...Object.entries(proxies)
      .map(([name, { address }]) => table(name, "snapshot", address)),
    table("blobs", "content", "/nowhere.sock"),
  ].join("\n");
}

/** In another namespace than the daemon's. */
function ctrIn({ daemon }: Bench, namespace: string, ...args: string[]) {
  return daemon.expectCtr("-n", namespace, ...args);
}

async function prepare(
  { daemon }: Bench,
  namespace: string,
  request: Partial<PrepareSnapshotRequest>,
  lease = "",
) {
  const metadata = {
    "containerd-namespace": namespace,
    ...lease === "" ? {} : { "containerd-lease": lease },
  };
  return await daemon.stub(SnapshotsDefinition)
    .prepare(PrepareSnapshotRequest.fromPartial(request), { metadata });
}

async function expectCoracle(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await coracle(args);
  assertEquals(code, 0, stderr);
  return stdout;
}

/** In which a collection is; it rests the longer the longer one took. */
const SOON_MS = 30_000;

/** Waits for the collector, which follows deletions by itself. */
async function soon(
  what: () => Promise<readonly string[]>,
  expected: readonly string[],
): Promise<void> {
  const until = Date.now() + SOON_MS;
  for (;;) {
    const found = await what();
    if (found.join() === expected.join()) return;
    if (Date.now() > until) assertEquals(found, expected);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Starts it; connections are made again after a pause. */
async function startAgain(bench: Bench): Promise<void> {
  const { daemon, plain, has } = bench;
  await plain.start();
  await soon(async () => {
    const { code } = await daemon.ctr(...PROBE, "info", "probe");
    const isThere = await has("plain").then(() => true, () => false);
    return [`${code}`, `${isThere}`];
  }, ["0", "true"]);
}

const PLAIN = ["snapshots", "--snapshotter", "plain"];
/** One that is always there, and in nobody's way. */
const PROBE = ["-n", "probe", ...PLAIN];

const STEPS: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  async "introspection shows them with their addresses"({ daemon, plain }) {
    const list = await daemon.expectCtr("plugins", "ls");
    assertMatch(list, /io\.containerd\.snapshotter\.v1\s+plain\s.*\sok/);
    assertMatch(list, /io\.containerd\.snapshotter\.v1\s+lazy\s.*\sok/);
    const detail = await daemon.expectCtr("plugins", "ls", "-d", "id==plain");
    assertStringIncludes(detail, plain.address);
  },

  async "what is not in use is shown with the reason"({ daemon }) {
    const list = await daemon.expectCtr("plugins", "ls");
    assertMatch(list, /io\.containerd\.content\.v1\s+blobs\s.*\serror/);
    const detail = await daemon.expectCtr("plugins", "ls", "-d", "id==blobs");
    assertStringIncludes(detail, "the daemon keeps content itself");
  },

  async "layers are collected in one go, the topmost first"(bench) {
    const { daemon, has } = bench;
    const stub = daemon.stub(SnapshotsDefinition);
    await ctrIn(bench, "one", "leases", "create", "--id", "pile");
    const metadata = {
      ...{ "containerd-namespace": "one", "containerd-lease": "pile" },
    };
    let parent = "";
    for (const name of ["c", "a", "b"]) {
      const request = { snapshotter: "plain", key: `${name}-key`, parent };
      await prepare(bench, "one", request, "pile");
      const commit = CommitSnapshotRequest
        .fromPartial({ snapshotter: "plain", name, key: request.key });
      await stub.commit(commit, { metadata });
      parent = name;
    }
    assertEquals((await has("plain")).length, 3);
    await ctrIn(bench, "one", "leases", "rm", "--sync", "pile");
    assertEquals(await has("plain"), []);
    assert(!daemon.log().includes("Cannot remove a snapshot"));
  },

  async "namespaces have keys of their own in one backend"(bench) {
    const { daemon, has } = bench;
    for (const ns of ["one", "two"]) {
      await ctrIn(bench, ns, ...PLAIN, "prepare", "key");
      await ctrIn(bench, ns, ...PLAIN, "label", "key", `of=${ns}`);
    }
    const names = await has("plain");
    assertEquals(names.length, 2);
    assertMatch(names[0] ?? "", /^active one\/\d+\/key$/);
    assertMatch(names[1] ?? "", /^active two\/\d+\/key$/);
    for (const ns of ["one", "two"]) {
      const info = await ctrIn(bench, ns, ...PLAIN, "info", "key");
      assertEquals(JSON.parse(info).Labels.of, ns);
      assertStringIncludes(
        await ctrIn(bench, ns, ...PLAIN, "mounts", "/t", "key"),
        bench.dir,
      );
    }
    await ctrIn(bench, "one", ...PLAIN, "commit", "name", "key");
    await ctrIn(bench, "one", ...PLAIN, "prepare", "key", "name");
    assertMatch(
      await ctrIn(bench, "one", ...PLAIN, "ls"),
      /key\s+name\s+Active[^]*name\s+Committed/,
    );
    for (const key of ["key", "name"]) {
      await ctrIn(bench, "one", ...PLAIN, "rm", key);
    }
    await ctrIn(bench, "two", ...PLAIN, "rm", "key");
    assertEquals(await has("plain"), []);
    assertEquals(await daemon.expectCtr(...PLAIN, "ls"), NO_SNAPSHOTS);
  },

  async "an image is unpacked into one, and containers run on it"(bench) {
    const { daemon, archive, chainId, has } = bench;
    const flags = ["--snapshotter", "plain"];
    await daemon.expectCtr("images", "import", ...flags, archive);
    const [layer = ""] = await has("plain");
    assertMatch(layer, /^committed test\w+\/\d+\/sha256:/);
    assertStringIncludes(layer, chainId);
    const said = await daemon.expectCtr(
      ...["run", "--rm", ...flags, ARCHIVE_IMAGE, "c1", "echo", "afloat"],
    );
    assertEquals(said.trim(), "afloat");
    const usage = await daemon.expectCtr(...PLAIN, "usage", chainId);
    assertMatch(usage, /sha256:\w+ +\d.*(KiB|MiB) /);
    assertEquals(await has("plain"), [layer]);
  },

  async "the daemon knows them after it was killed"({ daemon, has, chainId }) {
    await daemon.expectCtr(...PLAIN, "prepare", "kept", chainId);
    const mounts = await daemon.expectCtr(...PLAIN, "mounts", "/t", "kept");
    const before = await has("plain");
    await daemon.stop("SIGKILL");
    await daemon.start();
    assertEquals(
      await daemon.expectCtr(...PLAIN, "mounts", "/t", "kept"),
      mounts,
    );
    await daemon.expectCtr(...PLAIN, "commit", "layer", "kept");
    assertEquals((await has("plain")).length, before.length);
    await daemon.expectCtr(...PLAIN, "rm", "layer");
  },

  async "one that has gone is unavailable until it is back"(bench) {
    const { daemon, plain, has } = bench;
    const before = await has("plain");
    // Nothing else holds it, and a collection may be near.
    const labels = { "containerd.io/gc.root": "yes" };
    const lost = { snapshotter: "plain", key: "lost", labels };
    await plain.kill();
    const { code, stderr } = await daemon.ctr(...PLAIN, "ls");
    assertEquals(code, 1);
    assertStringIncludes(stderr, `Cannot reach snapshotter "plain"`);
    const error = await assertRejects(
      () => prepare(bench, "one", lost),
      EngineError,
    );
    assertEquals(error.code, "unavailable");
    await daemon.expectCtr("snapshots", "ls");
    await daemon.expectCtr("snapshots", "--snapshotter", "lazy", "ls");
    await startAgain(bench);
    await prepare(bench, "one", lost);
    await ctrIn(bench, "one", ...PLAIN, "rm", "lost");
    assertEquals(await has("plain"), before);
  },

  async "what nobody holds is collected there, too"(bench) {
    const { daemon, has } = bench;
    assertEquals((await has("plain")).length, 1);
    await daemon.expectCtr("images", "rm", "--sync", ARCHIVE_IMAGE);
    await soon(() => has("plain"), []);
  },

  async "a removal while it is away is made up for"(bench) {
    const { daemon, plain, has } = bench;
    await daemon.expectCtr(...PLAIN, "prepare", "gone");
    assertEquals((await has("plain")).length, 1);
    await plain.kill();
    await daemon.expectCtr(...PLAIN, "rm", "gone");
    // A collection may still be under way: it is free to be done with it now.
    await startAgain(bench);
    await ctrIn(bench, "one", "snapshots", "prepare", "any");
    await ctrIn(bench, "one", "snapshots", "rm", "any");
    await soon(() => has("plain"), []);
  },

  async "a layer that it has by itself is known by its name"(bench) {
    const { chainId, has } = bench;
    const ref = { "containerd.io/snapshot.ref": chainId, "mine": "1" };
    for (const namespace of ["one", "two"]) {
      await ctrIn(bench, namespace, "leases", "create", "--id", "hold");
      for (const key of ["extract-1", "extract-2"]) {
        const request = { snapshotter: "lazy", key, labels: ref };
        const error = await assertRejects(
          () => prepare(bench, namespace, request, "hold"),
          EngineError,
        );
        assertEquals(error.code, "alreadyExists");
      }
      const lazy = ["snapshots", "--snapshotter", "lazy"];
      const info = JSON.parse(
        await ctrIn(bench, namespace, ...lazy, "info", chainId),
      );
      assertEquals(
        [info.Kind, info.Name, info.Parent ?? "", info.Labels],
        ["Committed", chainId, "", ref],
      );
    }
    assertEquals(await has("lazy"), [`committed ${chainId}`]);
  },

  async "containers run on a layer that was never unpacked here"(bench) {
    const { archive, chainId, has } = bench;
    const flags = ["--snapshotter", "lazy"];
    await ctrIn(bench, "one", "images", "import", ...flags, archive);
    assertEquals(await has("lazy"), [`committed ${chainId}`]);
    const said = await ctrIn(
      ...[bench, "one", "run", "--rm", ...flags] as const,
      ...[ARCHIVE_IMAGE, "c1", "echo", "afloat"],
    );
    assertEquals(said.trim(), "afloat");
    await ctrIn(bench, "one", "images", "rm", ARCHIVE_IMAGE);
  },

  async "our own commands unpack into them, through the socket"(bench) {
    const { daemon, archive, chainId, has } = bench;
    const to = ["--address", daemon.address, "--namespace", "own"];
    for (const name of ["plain", "lazy"]) {
      const at = [...to, "--snapshotter", name];
      await expectCoracle(...at, "load", "-i", archive);
      const said = await expectCoracle(
        ...[...at, "run", "--rm", "--network", "none", ARCHIVE_IMAGE],
        ...["echo", "afloat"],
      );
      assertEquals(said.trim(), "afloat");
    }
    assertEquals(await has("lazy"), [`committed ${chainId}`]);
    assertEquals((await has("plain")).length, 1);
    await ctrIn(bench, "own", "images", "rm", "--sync", ARCHIVE_IMAGE);
    await soon(() => has("plain"), []);
  },

  async "many that want the same layer at once all get it"(bench) {
    const { daemon, has } = bench;
    const ref = "sha256:wanted";
    const wants = ["one", "two"].flatMap((namespace) =>
      Array.from({ length: 6 }, (_, at) => ({ namespace, key: `want-${at}` }))
    );
    const collecting = (async () => {
      for (let at = 0; at < 3; at++) {
        await ctrIn(bench, "three", "leases", "create", "--id", `${at}`);
        await ctrIn(bench, "three", "leases", "rm", "--sync", `${at}`);
      }
    })();
    const outcomes = await Promise.allSettled(
      wants.map(({ namespace, key }) => {
        const labels = { "containerd.io/snapshot.ref": ref };
        const request = { snapshotter: "lazy", key, labels };
        return prepare(bench, namespace, request, "hold");
      }),
    );
    await collecting;
    for (const outcome of outcomes) {
      assert(outcome.status === "rejected");
      assertEquals(EngineError.from(outcome.reason).code, "alreadyExists");
    }
    const found = (await has("lazy")).filter((it) => it.includes("wanted"));
    assertEquals(found.slice(0, 1), [`committed ${ref}`]);
    for (const namespace of ["one", "two"]) {
      const metadata = { "containerd-namespace": namespace };
      const { info } = await daemon.stub(SnapshotsDefinition)
        .stat({ snapshotter: "lazy", key: ref }, { metadata });
      assertEquals(info?.name, ref);
    }
  },

  async "it stays until the last namespace has no use for it"(bench) {
    const { chainId, has } = bench;
    await ctrIn(bench, "one", "leases", "rm", "--sync", "hold");
    assert((await has("lazy")).includes(`committed ${chainId}`));
    await ctrIn(bench, "two", "leases", "rm", "--sync", "hold");
    await soon(() => has("lazy"), []);
  },
};

const NO_SNAPSHOTS = "KEY PARENT KIND \n";
