/** Events and the collector of another process: ours, and containerd's. */

import { assert, assertEquals } from "@std/assert";
import { remoteCollector } from "../src/api/remote/collector.ts";
import { remoteContent } from "../src/api/remote/content.ts";
import { remoteEvents } from "../src/api/remote/events.ts";
import { remoteImages } from "../src/api/remote/images.ts";
import { remoteLeases } from "../src/api/remote/leases.ts";
import { remoteSnapshotter } from "../src/api/remote/snapshots.ts";
import { background } from "../src/base/context.ts";
import type { EngineEvent } from "../src/core/event.ts";
import { writeBytes } from "../src/core/testing/content.ts";
import { fakeDescriptor } from "../src/core/testing/fixtures.ts";
import { assertCode } from "../src/core/testing/assert.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { openBareContainerd } from "./support/bare_containerd.ts";
import { hasContainerd } from "./support/containerd.ts";
import { openDaemon } from "./support/daemon.ts";

const SERVERS = [
  {
    name: "our daemon",
    isOurs: true,
    ignore: Deno.uid() !== 0,
    open: () => openDaemon(),
  },
  {
    name: "containerd",
    isOurs: false,
    ignore: !hasContainerd(),
    open: openBareContainerd,
  },
];

const now = () => new Date();
const newId = () => crypto.randomUUID();

for (const { name, isOurs, ignore, open } of SERVERS) {
  Deno.test({
    name: `remoteEvents() hears what ${name} does, and what others publish`,
    ignore,
    fn: async () => {
      await using server = await open();
      await using client = new GrpcClient({ path: server.address });
      const events = remoteEvents(client, now);
      const end = new AbortController();
      const ctx = background({ namespace: "heard", signal: end.signal });
      const heard: EngineEvent[] = [];
      const filters = ["namespace==heard"];
      const images = remoteImages(client);
      const talk = background({ namespace: "heard" });
      const listening = (async () => {
        for await (const event of events.subscribe(ctx, { filters })) {
          heard.push(event);
          if (event.topic === "/images/create") return;
        }
      })();
      // Until it listens, nothing is heard: what is said is repeated.
      while (heard.length === 0) {
        await events.publish(talk, "/tasks/oom", { containerId: "web" });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const target = fakeDescriptor(1);
      await images.create(talk, { name: "one", target });
      await listening;
      end.abort();
      assertEquals(heard[0]?.topic, "/tasks/oom");
      assertEquals(heard[0]?.event, { containerId: "web" });
      assertEquals(heard.at(-1)?.event["name"], "one");
      const replay = events.subscribe(talk, {
        ...{ filters, sinceSequence: 0, follow: "stop" },
      });
      if (isOurs) {
        const all = await Array.fromAsync(replay);
        assertEquals(all.at(-1)?.topic, "/images/create");
        const [first = 0, second = 0] = all.map(({ sequence }) => sequence);
        assert(second > first);
        const rest = events.subscribe(talk, {
          ...{ filters, sinceSequence: first, follow: "stop" },
        });
        assertEquals((await Array.fromAsync(rest)).length, all.length - 1);
      } else {
        await assertCode("unimplemented", () => Array.fromAsync(replay));
      }
    },
  });

  Deno.test({
    name: `remoteCollector() has ${name} collect before it answers`,
    ignore,
    fn: async () => {
      await using server = await open();
      await using client = new GrpcClient({ path: server.address });
      const content = remoteContent(client);
      const leases = remoteLeases(client, { now, newId });
      const snapshotter = remoteSnapshotter(client, "native");
      const collector = remoteCollector({ leases, content, snapshotter, now });
      const ctx = background({ namespace: "swept" });
      const { id } = await leases.create(ctx);
      const held = { ...ctx, leaseId: id };
      const bytes = new Uint8Array(1234);
      const { digest } = await writeBytes(held, content, bytes);
      await collector.collect(ctx);
      assert(await content.info(ctx, digest));
      await leases.delete(ctx, id);
      // Whoever collects first: it is gone when the call has answered.
      await collector.collect(ctx);
      await assertCode("notFound", () => content.info(ctx, digest));
    },
  });
}
