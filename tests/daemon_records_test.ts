/** Records over the daemon's API: what it keeps, refuses and tells of. */

import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  ContainerCreate,
  ContainerDelete,
  ContainerUpdate,
} from "../proto/gen/containerd/events/container.ts";
import {
  Container,
  ContainersDefinition,
} from "../proto/gen/containerd/services/containers/v1/containers.ts";
import {
  ContentDefinition,
  WriteAction,
  WriteContentRequest,
} from "../proto/gen/containerd/services/content/v1/content.ts";
import { EventsDefinition } from "../proto/gen/containerd/services/events/v1/events.ts";
import {
  Image,
  ImagesDefinition,
} from "../proto/gen/containerd/services/images/v1/images.ts";
import { LeasesDefinition } from "../proto/gen/containerd/services/leases/v1/leases.ts";
import { NamespacesDefinition } from "../proto/gen/containerd/services/namespaces/v1/namespace.ts";
import { SnapshotsDefinition } from "../proto/gen/containerd/services/snapshots/v1/snapshots.ts";
import type { Envelope } from "../proto/gen/containerd/types/event.ts";
import { assertCode } from "../src/core/testing/assert.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";

const typed = (typeUrl: string, ...bytes: number[]) => ({
  typeUrl,
  value: Uint8Array.from(bytes),
});

/** Bytes that are neither JSON nor text. */
const SPEC = typed(
  "types.containerd.io/opencontainers/runtime-spec/1/Spec",
  0,
  255,
  10,
);

const CONTAINER = Container.fromPartial({
  id: "one",
  labels: { a: "1" },
  image: "docker.io/library/none:latest",
  runtime: {
    name: "io.containerd.runc.v2",
    options: typed("containerd.runc.v1.Options", 8, 1),
  },
  spec: SPEC,
  snapshotter: "native",
  snapshotKey: "one",
  extensions: { "io.x/e": typed("x", 1, 0, 2), empty: typed("y") },
  sandbox: "pod",
});

const DIGEST = `sha256:${"a".repeat(64)}`;
const OTHER_DIGEST = `sha256:${"b".repeat(64)}`;
const target = (digest: string) => ({
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest,
  size: 7n,
});

/** Of all namespaces, until it is stopped. */
async function listen(daemon: Daemon): Promise<() => Promise<Envelope[]>> {
  const stop = new AbortController();
  const events = daemon.stub(EventsDefinition);
  const told: Envelope[] = [];
  const done = (async () => {
    const stream = events.subscribe({ filters: [] }, { signal: stop.signal });
    try {
      for await (const envelope of stream) told.push(envelope);
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    }
  })();
  // A subscription has no answer of its own: it is there when it is heard.
  const probe = async () => {
    const event = typed("probe");
    await events.publish({ topic: "/probe", event }, about(daemon));
  };
  const heard = () => told.filter(({ topic }) => topic === "/probe").length;
  const until = async (count: number) => {
    while (heard() < count) {
      await probe();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await until(1);
  return async () => {
    await until(heard() + 1);
    stop.abort();
    await done;
    return told.filter(({ topic }) => topic !== "/probe");
  };
}

function about({ headers }: Daemon, lease?: string) {
  const metadata = lease === undefined
    ? headers
    : { ...headers, "containerd-lease": lease };
  return { metadata };
}

const STEPS: Readonly<Record<string, (daemon: Daemon) => Promise<void>>> = {
  async "containers keep every field, byte for byte"(daemon) {
    const containers = daemon.stub(ContainersDefinition);
    const here = about(daemon);
    const made = await containers.create({ container: CONTAINER }, here);
    const { createdAt, updatedAt, ...kept } = made.container ?? CONTAINER;
    const { createdAt: _none, updatedAt: _neither, ...sent } = CONTAINER;
    assertEquals(kept, sent);
    assert(createdAt !== undefined && createdAt.getTime() > 0);
    assertEquals(createdAt, updatedAt);
    const read = await containers.get({ id: "one" }, here);
    assertEquals(read.container, made.container);
    const { containers: listed } = await containers.list({ filters: [] }, here);
    assertEquals(listed, [made.container]);
    const stream = containers.listStream({ filters: ["labels.a==1"] }, here);
    assertEquals(await Array.fromAsync(stream), [read]);
  },

  async "an update changes what its mask names, and the time"(daemon) {
    const containers = daemon.stub(ContainersDefinition);
    const here = about(daemon);
    const { container: before } = await containers.get({ id: "one" }, here);
    const update = (fields: Partial<Container>, ...updateMask: string[]) =>
      containers.update({
        container: { ...CONTAINER, ...fields },
        updateMask,
      }, here);
    const changed = await update(
      { labels: { b: "2", c: "3" }, image: "other" },
      "labels.b",
    );
    assertEquals(changed.container?.labels, { a: "1", b: "2" });
    assertEquals(changed.container?.image, CONTAINER.image);
    assertEquals(changed.container?.createdAt, before?.createdAt);
    assertNotEquals(changed.container?.updatedAt, before?.updatedAt);
    const gone = await update({ labels: { a: "" } }, "labels.a", "labels.b");
    assertEquals(gone.container?.labels, {});
    const fields = ["runtime", "id", "created_at", "nosuch"];
    for (const field of fields) {
      await assertCode("invalidArgument", () => update({}, field));
    }
    for (
      const fixed of [
        { runtime: { name: "r", options: undefined } },
        { snapshotter: "overlayfs" },
      ]
    ) await assertCode("invalidArgument", () => update(fixed));
  },

  async "changes of containers are told with containerd's fields"(daemon) {
    const containers = daemon.stub(ContainersDefinition);
    const here = about(daemon);
    const stop = await listen(daemon);
    const container = { ...CONTAINER, id: "told" };
    await containers.create({ container }, here);
    await containers.update({
      container: { ...container, labels: { b: "2" } },
      updateMask: ["labels"],
    }, here);
    await containers.delete({ id: "told" }, here);
    const told = await stop();
    assertEquals(
      told.map(({ namespace, topic }) => [namespace, topic]),
      ["create", "update", "delete"].map((verb) => [
        daemon.namespace,
        `/containers/${verb}`,
      ]),
    );
    const [created, updated, deleted] = told.map(({ event }) =>
      event?.value ?? new Uint8Array()
    );
    const { id, image, runtime } = container;
    assertEquals(ContainerCreate.decode(created ?? SPEC.value), {
      id,
      image,
      runtime,
    });
    assertEquals(ContainerUpdate.decode(updated ?? SPEC.value), {
      id,
      image,
      labels: { b: "2" },
      snapshotKey: "one",
    });
    assertEquals(ContainerDelete.decode(deleted ?? SPEC.value), { id });
  },

  async "an image is deleted only where it points to what is said"(daemon) {
    const images = daemon.stub(ImagesDefinition);
    const here = about(daemon);
    const image = Image.fromPartial({ name: "i", target: target(DIGEST) });
    await images.create({ image, sourceDateEpoch: new Date(0) }, here);
    const { image: read } = await images.get({ name: "i" }, here);
    assert((read?.createdAt?.getTime() ?? 0) > 0);
    const remove = (digest: string) =>
      images.delete({
        name: "i",
        sync: false,
        target: { ...target(digest), annotations: {} },
      }, here);
    await assertCode("notFound", () => remove(OTHER_DIGEST));
    await remove(DIGEST);
    await assertCode("notFound", () => images.get({ name: "i" }, here));
  },

  async "a synchronous deletion has collected when it answers"(daemon) {
    const images = daemon.stub(ImagesDefinition);
    const leases = daemon.stub(LeasesDefinition);
    const here = about(daemon);
    await leases.create({ id: "making", labels: {} }, here);
    const digest = await write(daemon, "making", "kept by an image");
    const image = Image.fromPartial({ name: "j", target: target(digest) });
    await images.create({ image, sourceDateEpoch: undefined }, here);
    await leases.delete({ id: "making", sync: true }, here);
    assert(await has(daemon, digest), "An image keeps its target");
    await images.delete({ name: "j", sync: true, target: undefined }, here);
    assert(!await has(daemon, digest), "It is to be collected at once");
  },

  async "a lease by header holds what is made under it"(daemon) {
    const leases = daemon.stub(LeasesDefinition);
    const snapshots = daemon.stub(SnapshotsDefinition);
    const here = about(daemon);
    await leases.create({ id: "held", labels: {} }, here);
    const digest = await write(daemon, "held", "held by a lease");
    await snapshots.prepare({
      ...{ snapshotter: "native", key: "s", parent: "", labels: {} },
    }, about(daemon, "held"));
    const { resources } = await leases.listResources({ id: "held" }, here);
    assertEquals(resources, [
      { id: digest, type: "content" },
      { id: "s", type: "snapshots/native" },
    ]);
    await leases.delete({ id: "held", sync: true }, here);
    assert(!await has(daemon, digest), "Nobody holds it any more");
    const gone = () =>
      snapshots.stat({ snapshotter: "native", key: "s" }, here);
    await assertCode("notFound", gone);
  },

  async "a namespace is deleted when nothing is left in it"(daemon) {
    const namespaces = daemon.stub(NamespacesDefinition);
    const { namespace: name } = daemon;
    const { namespaces: all } = await namespaces.list({ filter: "" });
    assertEquals(all.map((it) => it.name), [name], "It came to be by use");
    const error = await assertCode(
      "failedPrecondition",
      () => namespaces.delete({ name }),
    );
    assertStringIncludes(error.message, "containers");
    const containers = daemon.stub(ContainersDefinition);
    await containers.delete({ id: "one" }, about(daemon));
    await namespaces.delete({ name });
    assertEquals(await namespaces.list({ filter: "" }), { namespaces: [] });
  },
};

/** @returns its digest */
async function write(
  daemon: Daemon,
  lease: string,
  text: string,
): Promise<string> {
  const data = new TextEncoder().encode(text);
  const hash = await crypto.subtle.digest("SHA-256", data);
  const digest = `sha256:${new Uint8Array(hash).toHex()}`;
  const request = WriteContentRequest.fromPartial({
    action: WriteAction.COMMIT,
    ...{ ref: text, total: BigInt(data.length), expected: digest, data },
  });
  const requests = ReadableStream.from([request]);
  const content = daemon.stub(ContentDefinition);
  await Array.fromAsync(content.write(requests, about(daemon, lease)));
  return digest;
}

async function has(daemon: Daemon, digest: string): Promise<boolean> {
  try {
    await daemon.stub(ContentDefinition).info({ digest }, about(daemon));
    return true;
  } catch {
    return false;
  }
}

Deno.test("records over the API", async (t) => {
  await using daemon = await openDaemon();
  for (const [name, step] of Object.entries(STEPS)) {
    await t.step(name, () => step(daemon));
  }
});
