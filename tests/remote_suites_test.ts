/**
 * Namespaces, events and the differ of another process, by the suites that
 * local ones run: of our daemon, and of containerd.
 */

import { remoteContent } from "../src/api/remote/content.ts";
import { remoteDiffer } from "../src/api/remote/differ.ts";
import { remoteEvents } from "../src/api/remote/events.ts";
import { remoteImages } from "../src/api/remote/images.ts";
import { remoteLeases } from "../src/api/remote/leases.ts";
import { remoteNamespaces } from "../src/api/remote/namespaces.ts";
import { remoteSnapshotter } from "../src/api/remote/snapshots.ts";
import { background } from "../src/base/context.ts";
import type { Mount } from "../src/core/mount.ts";
import {
  differSuite,
  type DifferUnderTest,
} from "../src/core/testing/differ.ts";
import { eventExchangeSuite } from "../src/core/testing/event.ts";
import { namespaceStoreSuite } from "../src/core/testing/namespace.ts";
import { createMounter } from "../src/drivers/mounter/mounter.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { tryUnmount } from "../src/sys/mount.ts";
import { openBareContainerd } from "./support/bare_containerd.ts";
import { hasContainerd } from "./support/containerd.ts";
import { openDaemon } from "./support/daemon.ts";
import { describeTree } from "./support/describe_tree.ts";
import { withSkips } from "./support/reasoned_skips.ts";
import { elsewhere } from "./support/remote_stores.ts";

type Reasons = Readonly<Record<string, string>>;

interface Server {
  readonly name: string;
  readonly ignore: boolean;
  readonly open: () => Promise<AsyncDisposable & { readonly address: string }>;
  /** Of files in the layers that it makes. */
  readonly times: "exact" | "seconds";
  readonly skips: {
    readonly namespaces: Reasons;
    readonly events: Reasons;
    readonly differ: Reasons;
  };
}

const SAME = "compare() makes a layer that apply() turns into the same";

const NO_NUMBERS: Reasons = {
  "publish() numbers events of all namespaces in one row":
    "the API does not tell what number an event got",
};

const NO_OTHER_FIELDS: Reasons = {
  "subscribe() filters by namespace, topic and fields":
    "what is said on a topic of containerd's has its message's fields only",
};

const NO_REPLAY: Reasons = {
  "subscribe() filters by namespace, topic and fields":
    "the API tells what happens, not what has happened",
  "changes of images are journalled with them":
    "the API tells what happens, not what has happened",
};

const NO_MOMENT: Reasons = {
  "subscribe() gives what is published after the call, until the signal":
    "the API does not tell when the other process begins to listen",
};

const NO_LISTS: Reasons = {
  "changes() lists what is new, other and gone":
    "the API has no call that lists changes",
  "changes() lists all of a first snapshot, nothing of the same":
    "the API has no call that lists changes",
  "empty places to mount at are no difference":
    "the API can't say what does not count",
  "apply() writes nothing into a view":
    "the API has no call that lists changes",
};

const SERVERS: readonly Server[] = [
  {
    name: "our daemon",
    ignore: Deno.uid() !== 0,
    open: () => openDaemon(),
    times: "exact",
    skips: {
      namespaces: {},
      events: { ...NO_NUMBERS, ...NO_OTHER_FIELDS, ...NO_MOMENT },
      differ: NO_LISTS,
    },
  },
  {
    name: "containerd",
    ignore: !hasContainerd(),
    open: () => openBareContainerd(),
    times: "seconds",
    skips: {
      namespaces: {},
      events: { ...NO_NUMBERS, ...NO_REPLAY, ...NO_MOMENT },
      differ: {
        ...NO_LISTS,
        [`${SAME}: extended attributes`]: "user's own are left out",
        [`${SAME}: times to the nanosecond`]: "times are cut to seconds",
        "compare() compresses as it is told and labels the layer":
          "1.6 knows no zstd",
        "compare() takes Docker's media types": "it makes OCI's only",
      },
    },
  },
];

/** Proxies of a server; all goes with them. */
async function openStores(open: Server["open"]) {
  const server = await open();
  const client = new GrpcClient({ path: server.address });
  return {
    namespaces: remoteNamespaces(client),
    images: remoteImages(client),
    events: remoteEvents(client, () => new Date()),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function openDiffer(
  client: GrpcClient,
  times: Server["times"],
): Promise<DifferUnderTest> {
  const suffix = crypto.randomUUID().slice(0, 8);
  const leaseId = `held-${suffix}`;
  const leases = remoteLeases(client, {
    now: () => new Date(),
    newId: () => leaseId,
  });
  await leases.create(background({ namespace: `default-${suffix}` }));
  const target = await Deno.makeTempDir({ prefix: "coracle-target-" });
  const mounter = createMounter();
  const content = remoteContent(client);
  const withMounted = async <T>(
    mounts: readonly Mount[],
    use: () => T | Promise<T>,
  ) => {
    await using _mounted = await mounter.mount(background(), mounts, target);
    return await use();
  };
  return {
    content: elsewhere(content, suffix, leaseId),
    differ: elsewhere(remoteDiffer(client, content), suffix, leaseId),
    snapshotter: elsewhere(
      remoteSnapshotter(client, "overlayfs"),
      suffix,
      leaseId,
    ),
    run: (mounts, script) => withMounted(mounts, () => shell(target, script)),
    describe: (mounts) =>
      withMounted(mounts, () => describeLayer(target, times)),
    [Symbol.asyncDispose]: () => Deno.remove(target),
  };
}

async function shell(root: string, script: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("sh", {
    args: ["-ec", script],
    cwd: root,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** Without directory times and sizes of links, which no layer keeps. */
function describeLayer(root: string, times: Server["times"]): string[] {
  const lines = describeTree(root).slice(1).map((line) =>
    line.includes('"kind":"directory"')
      ? line.replace(/"mtime":"[^"]*","links":\d+/, "")
      : line
  );
  return times === "exact"
    ? lines
    : lines.map((line) => line.replace(/("mtime":"-?\d+)\.\d+/, "$1"));
}

// Opens libc's symbols before the sanitizer counts them to a test.
tryUnmount("/nonexistent", "plain");
describeTree("/etc/passwd");

for (const { name, ignore, open, times, skips } of SERVERS) {
  Deno.test({
    name: `remoteNamespaces() keeps the contract when ${name} serves it`,
    ignore,
    fn: (t) =>
      withSkips(
        t,
        skips.namespaces,
        (t) => namespaceStoreSuite(t, () => openStores(open)),
      ),
  });

  Deno.test({
    name: `remoteEvents() keeps the contract when ${name} serves it`,
    ignore,
    fn: (t) =>
      withSkips(
        t,
        skips.events,
        (t) => eventExchangeSuite(t, () => openStores(open)),
      ),
  });

  Deno.test({
    name: `remoteEvents() ends with the signal when ${name} serves it`,
    ignore,
    async fn() {
      await using stores = await openStores(open);
      const end = new AbortController();
      const ctx = background({ namespace: "test", signal: end.signal });
      const topics: string[] = [];
      const listening = (async () => {
        for await (const { topic } of stores.events.subscribe(ctx)) {
          topics.push(topic);
        }
      })();
      while (topics.length === 0) {
        await stores.events.publish(background({ namespace: "x" }), "/a", {});
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      end.abort();
      await listening;
    },
  });

  Deno.test({
    name: `remoteDiffer() keeps the contract when ${name} serves it`,
    ignore,
    // Mounting opens symbols of libc that stay open.
    sanitizeResources: false,
    async fn(t) {
      await using server = await open();
      await using client = new GrpcClient({ path: server.address });
      await withSkips(
        t,
        skips.differ,
        (t) => differSuite(t, () => openDiffer(client, times)),
      );
    },
  });
}
