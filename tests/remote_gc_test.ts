/** `coracle system gc` by the socket of a daemon, ours and containerd's. */

import { assert, assertEquals } from "@std/assert";
import { remoteSandboxes } from "../src/api/remote/sandboxes.ts";
import { background } from "../src/base/context.ts";
import { GrpcClient } from "../src/rpc/grpc/client.ts";
import {
  REMOTE_IMAGE,
  REMOTE_SERVERS,
  type RemoteStore,
} from "./support/remote_store.ts";

const IMAGE = `docker.io/library/${REMOTE_IMAGE}`;

async function ctr(
  { address }: RemoteStore,
  ...args: readonly string[]
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("ctr", {
    args: ["-a", address, ...args],
  }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));
  return decoder.decode(stdout);
}

async function why(
  { ok }: RemoteStore,
  digest: string,
): Promise<readonly string[]> {
  return (await ok("system", "gc", digest)).trim().split("\n");
}

/** Digests of the only image. */
async function digestsOf(store: RemoteStore) {
  const listed = await ctr(store, "images", "ls", `name==${IMAGE}`);
  const [manifest = ""] = /sha256:\w+/.exec(listed) ?? [];
  const { config, layers: [layer] } = JSON.parse(
    await ctr(store, "content", "get", manifest),
  );
  return {
    manifest,
    config: String(config.digest),
    layer: String(layer.digest),
  };
}

async function heldByImage(store: RemoteStore): Promise<void> {
  const { manifest, config, layer } = await digestsOf(store);
  const chain = [`image "${IMAGE}"`, `content "${manifest}"`];
  assertEquals(await why(store, manifest), chain);
  for (const part of [config, layer]) {
    assertEquals(await why(store, part), [...chain, `content "${part}"`]);
  }
  const nothing = `sha256:${"0".repeat(64)}`;
  assertEquals(await why(store, nothing), ["Nothing holds it"]);
}

/** What holds a layer whose image has gone, one after the other. */
async function heldOtherwise(store: RemoteStore): Promise<void> {
  const { layer, config } = await digestsOf(store);
  await ctr(store, "content", "label", config, "containerd.io/gc.root=now");
  await ctr(
    ...[store, "content", "label", config] as const,
    `containerd.io/gc.ref.content.x=${layer}`,
  );
  await store.ok("rmi", REMOTE_IMAGE);
  await store.ok("system", "gc");
  assertEquals(await why(store, layer), [
    "its own label gc.root or gc.expire",
    `content "${config}"`,
    `content "${layer}"`,
  ]);
  await ctr(store, "content", "label", config, "containerd.io/gc.root=");
  await store.ok("system", "gc");
  assertEquals(await ctr(store, "content", "ls", "-q"), "");
  assertEquals(await why(store, layer), ["Nothing holds it"]);
}

/** Nobody has a command for sandboxes: other clients make them. */
async function heldBySandbox(store: RemoteStore): Promise<void> {
  const { layer } = await digestsOf(store);
  await using client = new GrpcClient({ path: store.address });
  const sandboxes = remoteSandboxes(client);
  const ctx = background({ namespace: "default" });
  const labels = { "containerd.io/gc.ref.content.x": layer };
  await sandboxes.create(ctx, { id: "pod", labels });
  await store.ok("rmi", REMOTE_IMAGE);
  await store.ok("system", "gc");
  assertEquals(await why(store, layer), [
    'sandbox "pod"',
    `content "${layer}"`,
  ]);
  await sandboxes.delete(ctx, "pod");
  assertEquals(await why(store, layer), ["Nothing holds it"]);
  await store.ok("system", "gc");
  await store.ok("load", "-i", `${store.dir}/image.tar`);
}

for (const { name, ignore, isOurs, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `system gc tells by its socket why ${name} keeps something`,
    ignore,
    fn: async (t) => {
      await using store = await open();
      await t.step("for an image", () => heldByImage(store));
      await store.ok("save", "-o", `${store.dir}/image.tar`, REMOTE_IMAGE);
      await t.step({
        name: "for a sandbox",
        // Containerd 1.6 has none.
        ignore: !isOurs,
        fn: () => heldBySandbox(store),
      });
      await t.step("for its own labels", () => heldOtherwise(store));
    },
  });
}
