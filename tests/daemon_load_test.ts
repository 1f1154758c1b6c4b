/**
 * Many clients on all services while the daemon is killed and started again:
 * what was acknowledged is there, nothing is there twice, nothing is left.
 *
 * `CORACLE_LOAD=1` for two minutes and ten kills.
 */

import { assert, assertEquals } from "@std/assert";
import { ContentDefinition } from "../proto/gen/containerd/services/content/v1/content.ts";
import { LeasesDefinition } from "../proto/gen/containerd/services/leases/v1/leases.ts";
import { caller, openSide } from "./differential/side.ts";
import { LOAD_NAMESPACE, LoadClient } from "./load/clients.ts";
import { LoadRunner } from "./load/runner.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { writeBusyboxRoot } from "./support/run_image.ts";

const IS_LONG = Deno.env.get("CORACLE_LOAD") === "1";
const SECONDS = IS_LONG ? 120 : 12;
const KILLS = IS_LONG ? 10 : 3;
const CLIENTS = 32;
/** Of those, so many run containers. */
const RUNNERS = 2;

Deno.test({
  name: "nothing that was acknowledged is lost when the daemon is killed",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using daemon = await openDaemon();
    const until = Date.now() + SECONDS * 1000;
    await using sides = new AsyncDisposableStack();
    const open = () =>
      sides.use(openSide("coracle", daemon.dir, daemon.address));
    const clients = Array.from(
      { length: CLIENTS - RUNNERS },
      (_, at) => new LoadClient(open(), `c${at}`),
    );
    const cgroup = `/coracle-load-${crypto.randomUUID().slice(0, 8)}`;
    const runners = Array.from({ length: RUNNERS }, (_, at) => {
      const side = open();
      // runc makes device files in it, and fails if another one does so, too.
      const rootfs = `${daemon.dir}/busybox${at}`;
      writeBusyboxRoot(rootfs);
      side.kept.set("rootfs", rootfs);
      return new LoadRunner(side, `r${at}`, cgroup);
    });
    const work = [...clients, ...runners].map(async (client) => {
      while (Date.now() < until) await client.step();
    });
    const killing = killOverAndOver(daemon, until);
    await allToTheirEnd([...work, killing]);
    for (const client of clients) await client.checkAll();
    for (const client of clients) await client.removeAll();
    const done = clients.reduce((sum, { done }) => sum + done, 0);
    assert(done > CLIENTS * SECONDS, `Only ${done} calls were answered`);
    for (const runner of runners) assert(runner.done > 0);
    await abortIngests(daemon);
    await collect(daemon);
    assertEquals(await leftovers(daemon), []);
    const checked = await daemon.call("fsck");
    assertEquals(checked.code, 0, checked.stdout + checked.stderr);
    removeCgroups(cgroup);
  },
});

/** Nobody is at work any more when the daemon is taken away. */
async function allToTheirEnd(work: readonly Promise<void>[]): Promise<void> {
  const ends = await Promise.allSettled(work);
  const errors = ends.flatMap((end) =>
    end.status === "rejected" ? [end.reason] : []
  );
  if (errors.length > 0) throw new AggregateError(errors, String(errors[0]));
}

async function killOverAndOver(daemon: Daemon, until: number): Promise<void> {
  const pause = (until - Date.now()) / (KILLS + 1);
  for (let kill = 0; kill < KILLS; kill++) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    await daemon.stop("SIGKILL");
    await daemon.start();
  }
}

/** What was cut off could be gone on with, and is kept for that for a day. */
async function abortIngests(daemon: Daemon): Promise<void> {
  const content = caller(ContentDefinition, { namespace: LOAD_NAMESPACE });
  await using side = openSide("coracle", daemon.dir, daemon.address);
  const { statuses } = await content("listStatuses")(side) as {
    readonly statuses: readonly { readonly ref: string }[];
  };
  for (const { ref } of statuses) await content("abort", { ref })(side);
}

/** Who deletes a lease synchronously waits for the collector. */
async function collect(daemon: Daemon): Promise<void> {
  const leases = caller(LeasesDefinition, { namespace: LOAD_NAMESPACE });
  await using side = openSide("coracle", daemon.dir, daemon.address);
  await leases("create", { id: "collect" })(side);
  await leases("delete", { id: "collect", sync: true })(side);
}

async function leftovers(daemon: Daemon): Promise<readonly string[]> {
  const root = `${daemon.dir}/root`;
  const found = await Promise.all([
    namesIn(`${root}/content/blobs/sha256`),
    namesIn(`${root}/content/ingest`),
    namesIn(`${root}/snapshots/overlayfs`),
    namesIn(`${daemon.dir}/state/bundles`),
  ]);
  return found.flat();
}

function removeCgroups(path: string): void {
  for (const { name } of Deno.readDirSync("/sys/fs/cgroup")) {
    try {
      Deno.removeSync(`/sys/fs/cgroup/${name}${path}`);
    } catch {
      // Not every controller has it.
    }
  }
}

async function namesIn(path: string): Promise<readonly string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(path));
    return entries.map(({ name }) => `${path}/${name}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
