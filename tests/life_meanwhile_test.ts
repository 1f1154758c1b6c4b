/** What others remove, make or start while something is at work. */

import { assertEquals, assertRejects } from "@std/assert";
import type { Context } from "../src/base/context.ts";
import { EngineError } from "../src/base/errors.ts";
import { parseReference } from "../src/base/reference.ts";
import {
  type ContainerSettings,
  jsonExtension,
  SETTINGS_EXTENSION,
} from "../src/core/container_settings.ts";
import { LABEL } from "../src/core/labels.ts";
import type { Fetcher, Resolver } from "../src/core/registry.ts";
import type { Services } from "../src/core/services.ts";
import { createLocalVolumes } from "../src/drivers/volumes_local/volumes.ts";
import { makeParts } from "../src/engine/container_parts.ts";
import type { ContainerPlan } from "../src/engine/container_plan.ts";
import { specValue } from "../src/engine/container_record.ts";
import type { CreateDeps } from "../src/engine/life_deps.ts";
import { pruneContainers } from "../src/engine/prune_containers.ts";
import { pullImage } from "../src/engine/pull.ts";
import type { RunOptions } from "../src/engine/run_options.ts";
import { isCommitted } from "../src/engine/unpack_layers.ts";
import { unpackedSnapshot } from "../src/engine/unpack.ts";
import { removeVolume } from "../src/engine/volume_remove.ts";
import { chainIds } from "../src/oci/chain_id.ts";
import {
  ctx,
  isRoot,
  type MadeImage,
  makeImage,
  openStore,
  type TestStore,
  upload,
} from "./pull_support.ts";
import { rawTar } from "./support/raw_tar.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";

const layer = (name: string) => ({
  tar: rawTar({ name, data: `in ${name}` }),
});

interface Bench {
  readonly store: TestStore;
  readonly services: Services;
  /** Uploads an image. @returns its name */
  readonly offer: (name: string, image: MadeImage) => Promise<string>;
}

async function withBench(use: (bench: Bench) => Promise<void>): Promise<void> {
  await using registry = await startRegistry();
  await using store = await openStore();
  const { services } = store.connection;
  await use({
    store,
    services,
    offer: async (name, image) => {
      await upload(image, registry.host, name);
      return `${registry.host}/${name}:latest`;
    },
  });
}

const pull = (ctx: Context, services: Services, name: string) =>
  pullImage(ctx, services, parseReference(name));

/** As `rmi` does it, whose collection finds all that nothing holds. */
const remove = (services: Services, name: string) =>
  services.images.delete(ctx, name, { collect: "synchronous" });

/** The same services, which do something before they fetch a blob. */
function beforeFetch(
  services: Services,
  digest: string,
  act: () => Promise<void>,
): Services {
  const { resolver } = services;
  const fetcher: Resolver["fetcher"] = (reference) => {
    const real = resolver.fetcher(reference);
    const fetch: Fetcher["fetch"] = async (ctx, blob, ...more) => {
      if (blob.digest === digest) await act();
      return await real.fetch(ctx, blob, ...more);
    };
    return { fetch, distrust: (...args) => real.distrust(...args) };
  };
  return {
    ...services,
    resolver: {
      fetcher,
      resolve: (...args) => resolver.resolve(...args),
      pusher: (...args) => resolver.pusher(...args),
    },
  };
}

function test(name: string, fn: (bench: Bench) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !isRoot || !hasRegistry(),
    // The store's own symbols of libc stay open.
    sanitizeResources: false,
    fn: () => withBench(fn),
  });
}

test("pull holds the layers that it found, although their image goes", async ({ services, offer }) => {
  const below = [layer("one"), layer("two")];
  const first = await offer("test/first", await makeImage(below));
  const image = await makeImage([...below, layer("three")]);
  const second = await offer("test/second", image);
  await pull(ctx, services, first);
  const last = image.blobs[2]?.at.digest ?? "";
  let removals = 0;
  const disturbed = beforeFetch(services, last, async () => {
    removals++;
    await remove(services, first);
  });
  await pull(ctx, disturbed, second);
  assertEquals(removals, 1);
  const overlay = services.snapshotters.get(services.defaultSnapshotter);
  if (overlay === undefined) throw new Error("There is no snapshotter");
  for (const name of await chainIds(image.diffIds)) {
    assertEquals(await isCommitted(ctx, overlay, name), true);
  }
});

test("run gets an image again that is removed once it was found", async ({ services, offer }) => {
  const image = await makeImage([layer("one")]);
  const name = await offer("test/only", image);
  await pull(ctx, services, name);
  const config = image.blobs[1]?.at.digest;
  if (config === undefined) throw new Error("There is no config");
  const parent = await unpackedSnapshot(ctx, services, config) ?? "";
  const id = "f".repeat(64);
  const snapshotter = services.snapshotters.get(services.defaultSnapshotter);
  const plan = {
    ...{ id, parent, snapshotter, settings: { imageId: config } },
    container: {
      id,
      image: name,
      runtime: { name: "runc" },
      snapshotter: services.defaultSnapshotter,
      snapshotKey: id,
    },
  } as unknown as ContainerPlan;
  const options = {
    source: { kind: "image", reference: name, pull: "missing" },
  } as unknown as RunOptions;
  let pulls = 0;
  const deps = {
    services,
    pull: async (ctx: Context, reference: string) => {
      pulls++;
      await pull(ctx, services, reference);
    },
  } as unknown as CreateDeps;
  const bundle = services.bundles.create(ctx, {
    ...{ id, namespace: ctx.namespace, runtime: "runc", removal: "keep" },
    ...{ snapshotter: services.defaultSnapshotter, snapshotKey: id },
  });
  await remove(services, name);
  await makeParts(ctx, deps, options, plan, bundle);
  assertEquals(pulls, 1);
  assertEquals(await Deno.readTextFile(`${bundle.rootfs}/one`), "in one");
  await services.mounter.unmountAll(ctx, bundle.rootfs);
  bundle.remove();
});

const SETTINGS: ContainerSettings = {
  ...{ removal: "keep", stdio: "streams", stdin: "closed" },
  restart: { kind: "no" },
  log: { driver: "none", options: {} },
  ...{ stopSignal: 15, stopTimeoutSeconds: 10 },
  ...{ hostname: "web", network: "host" },
};

/** Of a container that is being made: it has its record, and no spec. */
async function beginContainer(services: Services, id: string): Promise<void> {
  await services.containers.create(ctx, {
    id,
    runtime: { name: "runc" },
    labels: { [LABEL.containerName]: id },
    snapshotter: services.defaultSnapshotter,
    snapshotKey: id,
    extensions: {
      [SETTINGS_EXTENSION]: jsonExtension(SETTINGS_EXTENSION, SETTINGS),
    },
  });
}

/** As `run` does at the end. */
async function completeContainer(
  services: Services,
  id: string,
  spec: unknown,
): Promise<void> {
  await services.containers.update(ctx, {
    id,
    runtime: { name: "" },
    spec: specValue(JSON.stringify(spec)),
  }, ["spec"]);
}

test("volume rm waits for containers that are being made", async ({ store, services }) => {
  const volumes = createLocalVolumes(`${store.path}/root/volumes`);
  const { mountpoint } = await volumes.create(ctx, "cargo");
  await volumes.create(ctx, "free");
  await beginContainer(services, "web");
  const removals = ["cargo", "free"].map((name) =>
    removeVolume(ctx, { services, volumes }, name)
  );
  const [used, free] = removals.map((it) => it.catch((error) => error));
  await new Promise((resolve) => setTimeout(resolve, 100));
  assertEquals((await volumes.get(ctx, "free")).name, "free");
  await completeContainer(services, "web", {
    mounts: [{ destination: "/data", type: "bind", source: mountpoint }],
  });
  const error = await used;
  assertEquals(EngineError.from(error).code, "failedPrecondition");
  assertEquals(await free, undefined);
  assertEquals((await volumes.get(ctx, "cargo")).name, "cargo");
  await assertRejects(() => volumes.get(ctx, "free"), EngineError);
});

test("prune leaves containers that are being made", async ({ store, services }) => {
  const deps = {
    services,
    volumesPath: `${store.path}/root/volumes`,
    containersPath: `${store.path}/root/containers`,
    now: () => new Date(),
  };
  await beginContainer(services, "web");
  assertEquals((await pruneContainers(ctx, deps, {})).removed, []);
  await completeContainer(services, "web", {});
  // Through a socket, the command's bundle is elsewhere; its lease is here.
  const { leases } = services;
  const lease = await leases.create(ctx, { endsWith: "process" });
  await services.snapshotters.get(services.defaultSnapshotter)
    ?.prepare({ ...ctx, leaseId: lease.id }, "web", "");
  assertEquals((await pruneContainers(ctx, deps, {})).removed, []);
  await leases.delete(ctx, lease.id);
  const { removed } = await pruneContainers(ctx, deps, {});
  assertEquals(removed.map(({ id }) => id), ["web"]);
});
