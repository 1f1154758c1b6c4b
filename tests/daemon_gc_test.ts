/** The daemon collects what clients and the command line leave behind. */

import { assertEquals } from "@std/assert";
import {
  Container,
  ContainersDefinition,
} from "../proto/gen/containerd/services/containers/v1/containers.ts";
import {
  ContentDefinition,
  WriteAction,
} from "../proto/gen/containerd/services/content/v1/content.ts";
import { ImagesDefinition } from "../proto/gen/containerd/services/images/v1/images.ts";
import { IntrospectionDefinition } from "../proto/gen/containerd/services/introspection/v1/introspection.ts";
import { LeasesDefinition } from "../proto/gen/containerd/services/leases/v1/leases.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { hasContainerd, openContainerd } from "./support/containerd.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";

const PAUSE_MS = 20;
/** In which a collection that is due must have been. */
const SOON_MS = 10_000;

async function blobs(daemon: Daemon): Promise<readonly string[]> {
  return (await daemon.expectCtr("content", "ls", "-q")).split("\n")
    .filter((line) => line !== "").sort();
}

/** Waits until these and no others are left. */
async function assertSoonLeft(
  daemon: Daemon,
  expected: readonly string[],
): Promise<void> {
  const sorted = [...expected].sort();
  const until = Date.now() + SOON_MS;
  for (;;) {
    const left = await blobs(daemon);
    if (left.join() === sorted.join()) return;
    if (Date.now() > until) assertEquals(left, sorted);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

const TIMES = { createdAt: undefined, updatedAt: undefined };

const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: MANIFEST_TYPE,
  config: {
    mediaType: "application/vnd.oci.image.config.v1+json",
    digest: `sha256:${"0".repeat(64)}`,
    size: 2,
  },
  layers: [],
});

const EPOCH = { sourceDateEpoch: undefined };

const options = (daemon: Daemon) => ({ metadata: daemon.headers });

Deno.test("the daemon collects what a lease has held when it is deleted, by whomever", async () => {
  await using daemon = await openDaemon();
  const leases = daemon.stub(LeasesDefinition);
  await daemon.expectCtr("leases", "create", "--id", "one");
  await daemon.expectCtr("leases", "create", "--id", "two");
  const held = await writeLeased(daemon, "held", "one");
  const other = await writeLeased(daemon, "other", "two");
  assertEquals(await blobs(daemon), [held, other].sort());
  await leases.delete({ id: "one", sync: false }, options(daemon));
  await assertSoonLeft(daemon, [other]);
  // Synchronous deletion, as builders do it, has collected when it answers.
  await leases.delete({ id: "two", sync: true }, options(daemon));
  assertEquals(await blobs(daemon), []);
});

Deno.test("the daemon collects what expires, when it does", async () => {
  await using daemon = await openDaemon();
  const leases = daemon.stub(LeasesDefinition);
  const at = new Date(Date.now() + 3_000).toISOString();
  const labels = { "containerd.io/gc.expire": at };
  await leases.create({ id: "short", labels }, options(daemon));
  const held = await writeLeased(daemon, "held", "short");
  assertEquals(await blobs(daemon), [held]);
  await assertSoonLeft(daemon, []);
  const { leases: left } = await leases.list(
    { filters: [] },
    options(daemon),
  );
  assertEquals(left, []);
});

Deno.test("the daemon keeps what labels lead to, but not for flat leases", async () => {
  await using daemon = await openDaemon();
  const leases = daemon.stub(LeasesDefinition);
  const images = daemon.stub(ImagesDefinition);
  await leases.create({ id: "all", labels: {} }, options(daemon));
  const leaf = await writeLeased(daemon, "leaf", "all");
  const branch = await writeLeased(daemon, "branch", "all");
  const root = await writeLeased(daemon, "root", "all");
  await writeLeased(daemon, "loose", "all");
  const refers = (digest: string, to: string, suffix: string) =>
    daemon.expectCtr(
      "content",
      "label",
      digest,
      `containerd.io/gc.ref.content${suffix}=${to}`,
    );
  await refers(root, branch, "");
  await refers(branch, leaf, ".l.0");
  const target = { mediaType: "x/y", digest: root, size: 4n, annotations: {} };
  await images.create(
    { image: { name: "i", labels: {}, target, ...TIMES }, ...EPOCH },
    options(daemon),
  );
  await leases.delete({ id: "all", sync: true }, options(daemon));
  assertEquals(await blobs(daemon), [leaf, branch, root].sort());

  const labels = { "containerd.io/gc.flat": "1" };
  await leases.create({ id: "flat", labels }, options(daemon));
  const resource = { type: "content", id: branch };
  await leases.addResource({ id: "flat", resource }, options(daemon));
  await images.delete({ name: "i", sync: true }, options(daemon));
  assertEquals(await blobs(daemon), [branch]);
});

Deno.test("the daemon collects what the command line deletes", async () => {
  await using daemon = await openDaemon();
  const images = daemon.stub(ImagesDefinition);
  await daemon.expectCtr("leases", "create", "--id", "l");
  const root = await writeLeased(daemon, MANIFEST, "l");
  const target = {
    mediaType: MANIFEST_TYPE,
    digest: root,
    size: BigInt(MANIFEST.length),
    annotations: {},
  };
  await images.create(
    {
      image: { name: "docker.io/library/i:1", labels: {}, target, ...TIMES },
      ...EPOCH,
    },
    options(daemon),
  );
  await daemon.expectCtr("leases", "rm", "l");
  assertEquals(await blobs(daemon), [root]);
  const { code, stderr } = await daemon.call("rmi", "i:1");
  assertEquals([code, stderr], [0, ""]);
  await assertSoonLeft(daemon, []);
});

Deno.test("the daemon tells how its collector is set", async () => {
  await using daemon = await openDaemon();
  const { plugins } = await daemon.stub(IntrospectionDefinition).plugins({
    filters: ["type==io.containerd.gc.v1"],
  });
  assertEquals(plugins.map(({ id, exports }) => ({ id, exports })), [{
    id: "scheduler",
    exports: {
      PauseThreshold: "0.02",
      DeletionThreshold: "0",
      MutationThreshold: "100",
      ScheduleDelay: "0s",
    },
  }]);
});

/** Whom to call, ours or containerd. */
type Callee = Pick<Daemon, "stub" | "headers">;

/** Content under a lease, so that it is there until the lease goes. */
async function writeLeased(
  callee: Callee,
  text: string,
  lease: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<string> {
  const data = new TextEncoder().encode(text);
  const digest = await digestOf(text);
  const call = callee.stub(ContentDefinition).write(
    (async function* () {
      yield {
        action: WriteAction.COMMIT,
        ref: digest,
        total: BigInt(data.length),
        expected: digest,
        offset: 0n,
        data,
        labels: { ...labels },
      };
    })(),
    { metadata: { ...callee.headers, "containerd-lease": lease } },
  );
  for await (const _answer of call) {
    // Its end is all that matters.
  }
  return digest;
}

async function digestOf(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha256:${hash.toHex()}`;
}

const GC = "containerd.io/gc";

/** Blob → what its labels refer to, by which label. */
const BLOBS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  rooted: [[`${GC}.root`, ""], [`${GC}.ref.content.0`, "below the root"]],
  "below the root": [],
  target: [
    [`${GC}.ref.content`, "bare"],
    [`${GC}.ref.content.l.0`, "dotted"],
    [`${GC}.ref.contents`, "misspelled"],
  ],
  bare: [[`${GC}.ref.content.config`, "deep"]],
  deep: [],
  dotted: [],
  misspelled: [],
  "of the image's labels": [],
  "of the container's labels": [],
  "in a lease": [[`${GC}.ref.content.0`, "below a lease"]],
  "below a lease": [],
  "in a flat lease": [[`${GC}.ref.content.0`, "below a flat lease"]],
  "below a flat lease": [],
  "in an expired lease": [],
  loose: [],
};

/** @returns what of all this a collection leaves */
async function collected(callee: Callee): Promise<readonly string[]> {
  const leases = callee.stub(LeasesDefinition);
  const metadata = { metadata: callee.headers };
  await leases.create({ id: "all", labels: {} }, metadata);
  const names = new Map<string, string>();
  for (const [name, references] of Object.entries(BLOBS)) {
    const labels: Record<string, string> = {};
    for (const [key = "", to = ""] of references) {
      labels[key] = to === "" ? "1" : await digestOf(to);
    }
    names.set(await writeLeased(callee, name, "all", labels), name);
  }
  await makeHolders(callee);
  await leases.delete({ id: "all", sync: true }, metadata);
  const left: string[] = [];
  const list = callee.stub(ContentDefinition).list({ filters: [] }, metadata);
  for await (const { info } of list) {
    for (const { digest } of info) left.push(names.get(digest) ?? digest);
  }
  return left.sort();
}

/** How long a lease is there which is to have expired. */
const SHORT_MS = 500;

/** Leases, an image and a container. */
async function makeHolders({ stub, headers: metadata }: Callee): Promise<void> {
  const leases = stub(LeasesDefinition);
  // Not yet: the first collection, soon after a start, would take it at once.
  const expiry = Date.now() + SHORT_MS;
  const kinds: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    "a lease": {},
    "a flat lease": { [`${GC}.flat`]: "1" },
    "an expired lease": { [`${GC}.expire`]: new Date(expiry).toISOString() },
  };
  for (const [kind, labels] of Object.entries(kinds)) {
    const id = kind.replaceAll(" ", "-");
    await leases.create({ id, labels: { ...labels } }, { metadata });
    const resource = { type: "content", id: await digestOf(`in ${kind}`) };
    await leases.addResource({ id, resource }, { metadata });
  }
  const digest = await digestOf("target");
  const target = { mediaType: "x/y", digest, size: 6n, annotations: {} };
  const reference = async (what: string) => ({
    [`${GC}.ref.content.0`]: await digestOf(`of the ${what}'s labels`),
  });
  const image = { name: "i", target, labels: await reference("image") };
  await stub(ImagesDefinition).create(
    { image: { ...image, ...TIMES }, ...EPOCH },
    { metadata },
  );
  await stub(ContainersDefinition).create({
    container: Container.fromPartial({
      id: "c",
      runtime: { name: "io.containerd.runc.v2" },
      labels: await reference("container"),
      spec: { typeUrl: "x", value: new Uint8Array(1) },
    }),
  }, { metadata });
  await new Promise((resolve) => setTimeout(resolve, expiry - Date.now()));
}

const LEFT = [
  "bare",
  "below a lease",
  "below the root",
  "deep",
  "dotted",
  "in a flat lease",
  "in a lease",
  "of the container's labels",
  "of the image's labels",
  "rooted",
  "target",
];

Deno.test("the daemon collects what containerd's documentation says", async () => {
  await using daemon = await openDaemon();
  const { headers } = daemon;
  const callee = { headers, stub: daemon.stub.bind(daemon) as Daemon["stub"] };
  assertEquals(await collected(callee), LEFT);
});

Deno.test({
  name: "containerd collects the same",
  ignore: !hasContainerd(),
  async fn() {
    await using containerd = await openContainerd("/bin/true");
    const path = `${containerd.directory}/c.sock`;
    await using client = new GrpcClient({ path });
    const stub = client.stub.bind(client) as Daemon["stub"];
    const headers = { "containerd-namespace": "gc-same" };
    assertEquals(await collected({ stub, headers }), LEFT);
  },
});
