/** The daemon tells what happens, to whomever and by whomever. */

import { assert, assertEquals } from "@std/assert";
import { EventsDefinition } from "../proto/gen/containerd/services/events/v1/events.ts";
import type { Envelope } from "../proto/gen/containerd/types/event.ts";
import { fromEvent } from "../src/api/convert/events.ts";
import golden from "./golden/events.json" with { type: "json" };
import { makeBusyboxArchive } from "./support/busybox_archive.ts";
import { IMAGE } from "./support/containerd.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { COMMANDS } from "./support/record_events.ts";

interface Listener extends AsyncDisposable {
  /** The next ones. */
  next(count: number): Promise<readonly Envelope[]>;
  /** Those up to one with this topic. */
  until(topic: string): Promise<readonly Envelope[]>;
}

const READY = "/listener/ready";

/** Listens once it is certain to hear. */
async function listen(
  daemon: Daemon,
  ...filters: readonly string[]
): Promise<Listener> {
  const stop = new AbortController();
  const stub = daemon.stub(EventsDefinition);
  const ready = `topic==${READY}`;
  const stream = stub.subscribe(
    { filters: filters.length === 0 ? [] : [...filters, ready] },
    { signal: stop.signal },
  )[Symbol.asyncIterator]();
  const one = async () => {
    const { value, done } = await stream.next();
    if (done) throw new Error("The stream has ended");
    return value;
  };
  let first: Promise<Envelope> | undefined = one();
  const take = async () => {
    const envelope = await (first ?? one());
    first = undefined;
    return envelope;
  };
  const listener: Listener = {
    async next(count) {
      const all: Envelope[] = [];
      while (all.length < count) {
        const envelope = await take();
        if (envelope.topic !== READY) all.push(envelope);
      }
      return all;
    },
    async until(topic) {
      const all: Envelope[] = [];
      for (;;) {
        const envelope = await take();
        if (envelope.topic !== READY) all.push(envelope);
        if (envelope.topic === topic) return all;
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await stream.next().catch(() => {});
    },
  };
  let heard = false;
  void first.then(() => heard = true, () => {});
  while (!heard) {
    await publish(daemon, READY, "x", new Uint8Array(1));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return listener;
}

async function publish(
  daemon: Daemon,
  topic: string,
  typeUrl: string,
  value: Uint8Array<ArrayBuffer>,
): Promise<void> {
  await daemon.stub(EventsDefinition).publish(
    { topic, event: { typeUrl, value } },
    { metadata: daemon.headers },
  );
}

Deno.test("the daemon gives subscribers the bytes that were published and forwarded", async () => {
  await using daemon = await openDaemon();
  await using listener = await listen(daemon);
  const value = Uint8Array.of(0xff, 0, 0xfe, 1);
  await publish(daemon, "/harbour/in", "example.com/box.Crate", value);
  const timestamp = new Date("2020-02-03T04:05:06.789Z");
  const event = { typeUrl: "containerd.events.TaskOOM", value };
  const envelope = { timestamp, namespace: "far", topic: "/tasks/oom", event };
  await daemon.stub(EventsDefinition).forward({ envelope });
  const [published, forwarded] = await listener.next(2);
  assertEquals(published?.namespace, daemon.namespace);
  assertEquals(published?.topic, "/harbour/in");
  assertEquals(published?.event, { typeUrl: "example.com/box.Crate", value });
  assertEquals(forwarded, envelope);
});

Deno.test("the daemon gives subscribers what they ask for", async () => {
  await using daemon = await openDaemon();
  const { namespace } = daemon;
  await using docker = await listen(
    daemon,
    `namespace==${namespace},topic~=|^/tasks/|`,
  );
  await using one = await listen(daemon, `event.container_id==b`);
  const oom = (id: string) => Uint8Array.of(10, 1, id.charCodeAt(0));
  const type = "containerd.events.TaskOOM";
  await publish(daemon, "/harbour/in", "x", oom("a"));
  await publish(daemon, "/tasks/oom", type, oom("a"));
  await daemon.stub(EventsDefinition).publish(
    { topic: "/tasks/oom", event: { typeUrl: type, value: oom("b") } },
    { metadata: { "containerd-namespace": "other" } },
  );
  await publish(daemon, "/tasks/oom", type, oom("c"));
  const heard = await docker.next(2);
  assertEquals(heard.map(({ event }) => event?.value), [oom("a"), oom("c")]);
  const [b] = await one.next(1);
  assertEquals([b?.namespace, b?.event?.value], ["other", oom("b")]);
});

Deno.test("the daemon loses nothing for those who are slow, and keeps the order", async () => {
  await using daemon = await openDaemon();
  await using slow = await listen(daemon, "topic==/many/one");
  await using slower = await listen(daemon, "topic==/many/one");
  const count = 3_000;
  const value = new Uint8Array(2_000);
  const all: Promise<void>[] = [];
  for (let at = 0; at < count; at++) {
    const bytes = value.slice();
    new DataView(bytes.buffer).setUint32(0, at);
    all.push(publish(daemon, "/many/one", "x", bytes));
    if (at % 100 === 99) await Promise.all(all);
  }
  for (const listener of [slow, slower]) {
    const heard = await listener.next(count);
    const order = heard.map(({ event }) => {
      assert(event !== undefined);
      return new DataView(event.value.buffer, event.value.byteOffset)
        .getUint32(0);
    });
    assertEquals(order, order.keys().toArray());
  }
});

Deno.test("the daemon tells what the command line does", async () => {
  await using daemon = await openDaemon();
  await using listener = await listen(daemon, "topic~=/images/");
  const tar = await makeBusyboxArchive(daemon.dir);
  const { code, stderr } = await daemon.call("load", "-i", tar);
  assertEquals([code, stderr], [0, ""]);
  const [created] = await listener.next(1);
  assertEquals(created?.topic, "/images/create");
  assertEquals(created?.namespace, daemon.namespace);
});

Deno.test({
  name: "the daemon tells of ctr's commands what containerd does",
  ignore: Deno.uid() !== 0,
  async fn() {
    await using daemon = await openDaemon();
    const tar = await makeBusyboxArchive(daemon.dir);
    await daemon.expectCtr("images", "import", tar);
    await using listener = await listen(daemon);
    for (const command of COMMANDS) await daemon.expectCtr(...command);
    await publish(daemon, "/all/done", "x", new Uint8Array(1));
    const first = new Map<string, Envelope>();
    for (const it of await listener.until("/all/done")) {
      if (!first.has(it.topic)) first.set(it.topic, it);
    }
    for (const { topic, typeUrl, value } of golden) {
      const { event } = first.get(topic) ?? {};
      assert(event !== undefined, `Nothing is told of ${topic}`);
      assertEquals(event.typeUrl, typeUrl);
      const bytes = Uint8Array.fromBase64(value);
      assertEquals(
        comparable(topic, event.value, typeUrl),
        comparable(topic, bytes, typeUrl),
        topic,
      );
    }
  },
});

Deno.test({
  name:
    "the daemon tells once what the command line does with ctr's containers",
  ignore: Deno.uid() !== 0,
  async fn() {
    await using daemon = await openDaemon();
    const tar = await makeBusyboxArchive(daemon.dir);
    await daemon.expectCtr("images", "import", tar);
    await using listener = await listen(daemon, "topic~=/tasks/");
    await daemon.expectCtr(
      "run",
      "-d",
      "--null-io",
      IMAGE,
      "boat",
      "sleep",
      "100",
    );
    // The shim may tell of it when ctr has left.
    await listener.until("/tasks/start");
    for (
      const line of [
        "exec boat true",
        "pause boat",
        "unpause boat",
        "rm -f boat",
      ]
    ) {
      const { code, stderr } = await daemon.call(...line.split(" "));
      assertEquals([code, stderr], [0, ""], line);
    }
    const told = await listener.until("/tasks/delete");
    assertEquals(told.map(({ topic }) => topic), [
      ...["/tasks/exec-added", "/tasks/exec-started", "/tasks/exit"],
      ...["/tasks/paused", "/tasks/resumed", "/tasks/exit", "/tasks/delete"],
    ]);
  },
});

/** Fields of an event; of those that differ each time, only their names. */
function comparable(
  topic: string,
  value: Uint8Array,
  typeUrl: string,
): Readonly<Record<string, unknown>> {
  const varying = ["pid", "exitedAt", "bundle", "rootfs", "parent", "key"];
  return Object.fromEntries(
    Object.entries(fromEvent(topic, { typeUrl, value }))
      // Containerd tells of the snapshotter since version 2.
      .filter(([name]) => !name.startsWith("@") && name !== "snapshotter")
      .map(([name, it]) => [name, varying.includes(name) ? "" : it]),
  );
}
