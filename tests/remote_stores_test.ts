/**
 * The stores of another process, by the suites that local ones run: of our
 * daemon, and of containerd. What a suite asks of a local store that the API
 * can't tell, or that containerd does otherwise, is listed with its reason.
 */

import { containerStoreSuite } from "../src/core/testing/container.ts";
import { contentStoreSuite } from "../src/core/testing/content.ts";
import { imageStoreSuite } from "../src/core/testing/image.ts";
import { leaseManagerSuite } from "../src/core/testing/lease.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import { openBareContainerd } from "./support/bare_containerd.ts";
import { hasContainerd } from "./support/containerd.ts";
import { openDaemon } from "./support/daemon.ts";
import { withSkips } from "./support/reasoned_skips.ts";
import { remoteStores } from "./support/remote_stores.ts";

const SUITES = {
  images: imageStoreSuite,
  containers: containerStoreSuite,
  leases: leaseManagerSuite,
  content: contentStoreSuite,
} as const;

type Skips = Partial<
  Record<keyof typeof SUITES, Readonly<Record<string, string>>>
>;

interface Case {
  readonly name: string;
  readonly ignore: boolean;
  readonly open: () => Promise<AsyncDisposable & { readonly address: string }>;
  readonly skips: Skips;
}

const EXPIRY: Readonly<Record<string, string>> = {
  "create() makes up an id and sets the expiry":
    "the client reckons the expiry before the server notes the time",
};

const CASES: readonly Case[] = [
  {
    name: "our daemon",
    ignore: Deno.uid() !== 0,
    open: () => openDaemon(),
    skips: { leases: EXPIRY },
  },
  {
    name: "containerd",
    ignore: !hasContainerd(),
    open: openBareContainerd,
    skips: {
      images: {
        "delete() throws notFound when the name points elsewhere":
          "1.6 has no target in its request",
      },
      containers: {
        "create() keeps every field byte for byte": "1.6 has no sandboxes",
        "create() reserves the name, also against update(), until delete()":
          "names are labels like others",
        "update() replaces what is given, or what field paths name":
          "extensions are merged",
      },
      content: {
        "walk() filters by digest, size and label": "sizes are no filter",
      },
      leases: {
        ...EXPIRY,
        "addResource() throws for what the collector doesn't know":
          "types are checked only when garbage is collected",
      },
    },
  },
];

for (const { name, ignore, open, skips } of CASES) {
  Deno.test({
    name: `remote stores keep their contracts when ${name} serves them`,
    ignore,
    fn: async (t) => {
      await using server = await open();
      await using client = new GrpcClient({ path: server.address });
      const stores = () => remoteStores(client);
      for (const [kind, suite] of Object.entries(SUITES)) {
        const reasons = skips[kind as keyof typeof SUITES] ?? {};
        await t.step(
          kind,
          (t) => withSkips(t, reasons, (t) => suite(t, stores)),
        );
      }
    },
  });
}
