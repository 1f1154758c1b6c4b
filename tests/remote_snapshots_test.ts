/** Snapshotters of another process, by the suite that local ones run. */

import { remoteLeases } from "../src/api/remote/leases.ts";
import { remoteSnapshotter } from "../src/api/remote/snapshots.ts";
import { background, type Context } from "../src/base/context.ts";
import {
  snapshotterSuite,
  type SnapshotterUnderTest,
} from "../src/core/testing/snapshotter.ts";
import { createMounter } from "../src/drivers/mounter/mounter.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { filesAt } from "./snapshot_support.ts";
import { openBareContainerd } from "./support/bare_containerd.ts";
import { hasContainerd } from "./support/containerd.ts";
import { openDaemon } from "./support/daemon.ts";
import { withSkips } from "./support/reasoned_skips.ts";
import { elsewhere } from "./support/remote_stores.ts";

/** What a test of the other process's directories would be about. */
const NOT_OURS: Readonly<Record<string, string>> = {
  "prepare() throws for a key in use and for a bad parent":
    "it counts directories, which are over there",
  "remove() refuses a parent and removes its directory":
    "directories are removed over there when garbage is collected",
  "cleanup() deletes directories without a record":
    "directories over there are not ours to make",
};

const SERVERS = [
  {
    name: "our daemon",
    ignore: Deno.uid() !== 0,
    open: () => openDaemon(),
    skips: NOT_OURS,
  },
  {
    name: "containerd",
    ignore: !hasContainerd(),
    open: openBareContainerd,
    skips: NOT_OURS,
  },
];

for (const { name, ignore, open, skips } of SERVERS) {
  Deno.test({
    name: `remoteSnapshotter() keeps the contract when ${name} serves it`,
    ignore,
    // Mounting opens symbols of libc that stay open.
    sanitizeResources: false,
    fn: async (t) => {
      await using server = await open();
      await using client = new GrpcClient({ path: server.address });
      await withSkips(
        t,
        skips,
        (t) => snapshotterSuite(t, () => underTest(client)),
      );
    },
  });
}

async function underTest(client: GrpcClient): Promise<SnapshotterUnderTest> {
  const suffix = crypto.randomUUID().slice(0, 8);
  const target = await Deno.makeTempDir({ prefix: "coracle-target-" });
  const mounter = createMounter();
  const newId = () => `held-${suffix}`;
  const leases = remoteLeases(client, { now: () => new Date(), newId });
  for (const namespace of ["default", "other"]) {
    await leases.create(background({ namespace: `${namespace}-${suffix}` }));
  }
  const openOne = () =>
    elsewhere(remoteSnapshotter(client, "overlayfs"), suffix, newId());
  return {
    snapshotter: openOne(),
    reopen: openOne,
    withMounted: async (mounts, use) => {
      const ctx: Context = background();
      await using _mounted = await mounter.mount(ctx, mounts, target);
      return use(filesAt(target));
    },
    filesAt,
    countDirectories: () => {
      throw new Error("What is on disk over there is not ours to count");
    },
    [Symbol.asyncDispose]: () => Deno.remove(target),
  };
}
