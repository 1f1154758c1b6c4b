/** Our gRPC server and real clients, our gRPC client and a real server. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { NamespaceCreate } from "../proto/gen/containerd/events/namespace.ts";
import { HealthDefinition } from "../proto/gen/grpc/health/v1/health.ts";
import { ContentDefinition } from "../proto/gen/containerd/services/content/v1/content.ts";
import { EventsDefinition } from "../proto/gen/containerd/services/events/v1/events.ts";
import { IntrospectionDefinition } from "../proto/gen/containerd/services/introspection/v1/introspection.ts";
import { LeasesDefinition } from "../proto/gen/containerd/services/leases/v1/leases.ts";
import { NamespacesDefinition } from "../proto/gen/containerd/services/namespaces/v1/namespace.ts";
import { SnapshotsDefinition } from "../proto/gen/containerd/services/snapshots/v1/snapshots.ts";
import { VersionDefinition } from "../proto/gen/containerd/services/version/v1/version.ts";
import { digestOf } from "../src/base/hash.ts";
import { EngineError } from "../src/base/errors.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { firstValue } from "../src/rpc/grpc/headers.ts";
import type { GrpcCall } from "../src/rpc/grpc/method.ts";
import { serveGrpc } from "../src/rpc/grpc/server.ts";
import { grpcService } from "../src/rpc/grpc/service.ts";
import {
  type Containerd,
  hasContainerd,
  openContainerd,
} from "./support/containerd.ts";
import {
  callHeaders,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  headers,
  message,
  RawHttp2,
} from "./support/raw_http2.ts";

const ignore = !hasContainerd();
const MIB = 1024 * 1024;

async function ctr(path: string, ...args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command("ctr", {
    args: ["-a", path, "-n", "tried", ...args],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

const refuse = () =>
  Promise.reject(new EngineError("alreadyExists", `Not "for" you, Ünder`));

Deno.test({
  name: "ctr is answered by serveGrpc()",
  ignore,
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "coracle-grpc-" });
    const path = `${directory}/s`;
    const calls: GrpcCall[] = [];
    try {
      await using _server = await serveGrpc({
        addresses: [{ path, mode: 0o600 }],
        services: [
          grpcService(VersionDefinition, {
            version(call) {
              calls.push(call);
              return Promise.resolve({ version: "v9.8.7", revision: "abc" });
            },
          }),
          grpcService(IntrospectionDefinition, {
            plugins: refuse,
            server: () =>
              Promise.resolve({
                ...{ uuid: "some-uuid", pid: 1n, pidns: 2n },
                deprecations: [],
              }),
            pluginInfo: refuse,
          }),
        ],
      });
      const version = await ctr(path, "version");
      assertEquals(version.code, 0, version.stderr);
      for (const text of ["v9.8.7", "abc", "some-uuid"]) {
        assert(version.stdout.includes(text), version.stdout);
      }
      assertEquals(calls[0]?.metadata.get("containerd-namespace"), "tried");
      const plugins = await ctr(path, "plugins", "ls");
      assert(plugins.stderr.includes(`Not "for" you, Ünder`), plugins.stderr);
      assert(plugins.stderr.includes("already exists"), plugins.stderr);
      const images = await ctr(path, "images", "ls");
      assert(images.stderr.includes("not implemented"), images.stderr);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test("the first value of a header that comes twice is found", async () => {
  const directory = await Deno.makeTempDir({ prefix: "coracle-grpc-" });
  const path = `${directory}/s`;
  const leases: unknown[] = [];
  try {
    await using _server = await serveGrpc({
      addresses: [{ path, mode: 0o600 }],
      services: [
        grpcService(VersionDefinition, {
          version({ metadata }) {
            leases.push(
              metadata.get("containerd-lease"),
              firstValue(metadata, "containerd-lease"),
              firstValue(metadata, "containerd-namespace"),
            );
            return Promise.resolve({ version: "", revision: "" });
          },
        }),
      ],
    });
    using client = await RawHttp2.connect(path);
    const payload = new Uint8Array([
      ...callHeaders("/containerd.services.version.v1.Version/Version"),
      ...headers({ "containerd-lease": "newest" }),
      ...headers({ "containerd-lease": "older" }),
    ]);
    await client.send(
      frame(FRAME.headers, { flags: END_HEADERS, stream: 1, payload }),
      frame(FRAME.data, {
        flags: END_STREAM,
        stream: 1,
        payload: message(new Uint8Array()),
      }),
    );
    assert(await client.ended(1));
    assertEquals(leases, ["newest, older", "newest", undefined]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test({
  name: "GrpcClient speaks with containerd",
  ignore,
  async fn(t) {
    await using containerd = await openContainerd("/bin/false");
    await using client = new GrpcClient({
      path: `${containerd.directory}/c.sock`,
    });
    const metadata = { "containerd-namespace": containerd.namespace };
    const options = { metadata };
    await t.step("about itself", () => aboutItself(client));
    await t.step("about its errors", () => itsErrors(client, options));
    await t.step("in streams of content", () => content(client, options));
    await t.step("in records", () => records(client, options));
    await t.step(
      "and again when it has been restarted",
      () => restarted(client, containerd),
    );
  },
});

interface Options {
  readonly metadata: Readonly<Record<string, string>>;
}

async function aboutItself(client: GrpcClient): Promise<void> {
  const { version } = await client.stub(VersionDefinition).version({});
  assert(version.startsWith("1."), version);
  const health = client.stub(HealthDefinition);
  assertEquals((await health.check({ service: "" })).status, 1);
  const introspection = client.stub(IntrospectionDefinition);
  const { plugins } = await introspection.plugins({
    filters: ["type==io.containerd.snapshotter.v1, id==overlayfs"],
  });
  assertEquals(plugins.map(({ id }) => id), ["overlayfs"]);
  const [overlay] = plugins;
  assertEquals(overlay?.platforms[0]?.os, "linux");
  assertEquals(overlay?.initErr, undefined);
  const { uuid } = await introspection.server({});
  assertEquals(uuid.length, 36);
}

async function itsErrors(client: GrpcClient, options: Options): Promise<void> {
  const stub = client.stub(ContentDefinition);
  const digest = `sha256:${"0".repeat(64)}`;
  const code = async (work: Promise<unknown>) =>
    (await assertRejects(() => work, EngineError)).code;
  assertEquals(await code(stub.info({ digest }, options)), "notFound");
  assertEquals(await code(stub.info({ digest })), "failedPrecondition");
  const read = stub.read({ digest, offset: 0n, size: 0n }, options);
  assertEquals(await code(Array.fromAsync(read)), "notFound");
}

async function content(client: GrpcClient, options: Options): Promise<void> {
  const stub = client.stub(ContentDefinition);
  const blob = new Uint8Array(9 * MIB + 77).map((_, index) => index * 7);
  const expected = await digestOf(blob);
  async function* requests() {
    const common = { ref: "tried", total: BigInt(blob.length), expected };
    for (let at = 0; at < blob.length; at += MIB) {
      yield await Promise.resolve({
        ...common,
        ...{ action: 1 as const, offset: BigInt(at), labels: {} },
        data: blob.subarray(at, at + MIB),
      });
    }
    yield {
      ...common,
      ...{ action: 2 as const, offset: BigInt(blob.length) },
      ...{ data: new Uint8Array(), labels: { "containerd.io/gc.root": "x" } },
    };
  }
  const answers = await Array.fromAsync(stub.write(requests(), options));
  assertEquals(answers.at(-1)?.digest, expected);
  const { info } = await stub.info({ digest: expected }, options);
  assertEquals(info?.size, BigInt(blob.length));
  assertEquals(info?.labels, { "containerd.io/gc.root": "x" });
  const read: number[] = [];
  const range = { digest: expected, offset: 5n, size: BigInt(8 * MIB) };
  let at = 5;
  for await (const { offset, data } of stub.read(range, options)) {
    // containerd counts from where the reading began.
    assertEquals(offset, BigInt(at - 5));
    assertEquals(data, blob.slice(at, at + data.length));
    at += data.length;
    read.push(data.length);
  }
  assertEquals(at, 5 + 8 * MIB);
}

/** Who subscribes is not told when it has been done: something has to happen. */
async function untilHeard(
  first: Promise<unknown>,
  happen: (name: string) => Promise<void>,
): Promise<void> {
  let isHeard = false;
  const hearing = first.then(() => isHeard = true);
  for (let count = 0; !isHeard; count++) {
    await happen(`probe${count}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await hearing;
}

async function records(client: GrpcClient, options: Options): Promise<void> {
  const events = client.stub(EventsDefinition)
    .subscribe({ filters: [`topic=="/namespaces/create"`] }, options);
  const namespaces = client.stub(NamespacesDefinition);
  const name = "tried-here";
  const told = events[Symbol.asyncIterator]();
  const first = told.next();
  await untilHeard(first, async (probe) => {
    await namespaces.create(
      { namespace: { name: probe, labels: {} } },
      options,
    );
    await namespaces.delete({ name: probe }, options);
  });
  const labels = { a: "b" };
  await namespaces.create({ namespace: { name, labels } }, options);
  const createdBy = ({ value, done }: Awaited<typeof first>) => {
    assert(done !== true);
    const { topic, event } = value;
    assertEquals(topic, "/namespaces/create");
    assertEquals(event?.typeUrl, "containerd.events.NamespaceCreate");
    return NamespaceCreate.decode(event?.value ?? new Uint8Array());
  };
  let about = createdBy(await first);
  while (about.name !== name) about = createdBy(await told.next());
  assertEquals(about, { name, labels });
  await told.return?.(undefined);
  await namespaces.update({
    namespace: { name, labels: { c: "d" } },
    updateMask: ["labels.c"],
  }, options);
  const { namespaces: all } = await namespaces.list({ filter: "" });
  const changed = all.find((it) => it.name === name);
  assertEquals(changed?.labels, { a: "b", c: "d" });
  await namespaces.delete({ name }, options);
  const leases = client.stub(LeasesDefinition);
  const { lease } = await leases.create({ id: "held", labels }, options);
  assertEquals([lease?.id, lease?.labels], ["held", labels]);
  const { leases: found } = await leases.list(
    { filters: ["id==held"] },
    options,
  );
  assertEquals(found.length, 1);
  await leases.delete({ id: "held", sync: true }, options);
  const snapshots = client.stub(SnapshotsDefinition);
  const place = { snapshotter: "overlayfs", key: "tried" };
  const prepared = { ...place, parent: "", labels };
  const { mounts } = await snapshots.prepare(prepared, options);
  assertEquals(mounts.length, 1);
  const { info } = await snapshots.stat(place, options);
  assertEquals([info?.kind, info?.labels], [2, labels]);
  await snapshots.remove(place, options);
}

/** It says GOAWAY when it is stopped. */
async function restarted(
  client: GrpcClient,
  containerd: Containerd,
): Promise<void> {
  const version = client.stub(VersionDefinition);
  for (let call = 0; call < 300; call++) await version.version({});
  await containerd.stop("SIGTERM");
  const { code } = await assertRejects(
    () => version.version({}),
    EngineError,
  );
  assertEquals(code, "unavailable");
  await containerd.start();
  const again = await version.version({}).catch(() => undefined) ??
    await afterAWhile(() => version.version({}));
  assert(again.version.startsWith("1."));
}

/** The next try to connect may be a quarter of a second away. */
async function afterAWhile<T>(work: () => Promise<T>): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, 600));
  return await work();
}
