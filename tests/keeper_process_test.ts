/** Our own shim as a process: how it is started, and how it ends. */

import { assertEquals, assertRejects } from "@std/assert";
import { createKeepers } from "../src/app/keepers.ts";
import { createSharedKeepers } from "../src/app/shared_keepers.ts";
import { EngineError } from "../src/base/errors.ts";
import type { KeepRequest, ShimRecord } from "../src/core/keeper.ts";
import { TaskStartError } from "../src/core/start_failure.ts";
import {
  collect,
  openKeeperBundles,
  primeKeeper,
  sending,
  until,
} from "./support/keeper_bundles.ts";
import { processesWith } from "./support/remote_store.ts";
import { isThere } from "../src/sys/is_there.ts";

const ignore = Deno.uid() !== 0;
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, ignore, fn });

const env = () =>
  Object.entries(Deno.env.toObject())
    .map(([name, value]) => `${name}=${value}`);
const keepers = createKeepers(env);

function spawn({ namespace, id, bundle }: KeepRequest) {
  return keepers.spawn(namespace, id, bundle);
}

function record({ bundle }: KeepRequest): ShimRecord {
  return JSON.parse(Deno.readTextFileSync(`${bundle}/shim.json`));
}

/** libc's symbols stay open; the sanitizer must not count them to a test. */
async function prime(): Promise<void> {
  await primeKeeper();
  await using kept = await openKeeperBundles();
  const request = await kept.make("prime", { script: "true" });
  using shim = spawn(request);
  await shim.launch(kept.ctx, request);
  await until(() => kept.leftovers().length === 0);
  const long = { address: `unix://${"/long".repeat(40)}`, pid: 1, version: 3 };
  await assertRejects(() => keepers.connect(kept.ctx, long));
}

if (!ignore) await prime();

test("PendingShim ends when it is disposed before it has a container", async () => {
  await using kept = await openKeeperBundles();
  const request = await kept.make("one", { script: "sleep 100" });
  {
    using _shim = spawn(request);
    await until(() => kept.leftovers().length === 1);
  }
  await until(() => kept.leftovers().length === 0);
});

test("PendingShim.launch() leaves a shim that others can reach", async () => {
  await using kept = await openKeeperBundles();
  const { ctx } = kept;
  const request = await kept.make("one", {
    script: "read line; echo got $line; exit 3",
    settings: { stdin: "open" },
  });
  {
    using shim = spawn(request);
    const pid = await shim.launch(ctx, request);
    assertEquals(kept.status(request).pid, pid);
  }
  await using keeper = await keepers.connect(ctx, record(request));
  // Who ends all processes of a login does not mean this one.
  Deno.kill(record(request).pid, "SIGTERM");
  assertEquals((await keeper.status(ctx, "one")).state, "running");
  const { stdout, exitCode } = await collect(
    keeper.attach(ctx, { id: "one", stdin: "send" }, sending("it\n")),
  );
  assertEquals([stdout, exitCode], ["got it\n", 3]);
  await until(() => isThere(`${kept.dir}/finished-one`));
  await until(() => kept.leftovers().length === 0);
  const { state, exit } = kept.status(request);
  assertEquals([state, exit?.exitCode], ["stopped", 3]);
});

test("PendingShim.launch() throws TaskStartError, and the shim ends", async () => {
  await using kept = await openKeeperBundles();
  const request = await kept.make("one", { script: "true" });
  await replaceCommand(request, "/bin/nothing");
  using shim = spawn(request);
  const error = await assertRejects(
    () => shim.launch(kept.ctx, request),
    TaskStartError,
  );
  assertEquals([error.exitCode, error.code], [127, "notFound"]);
  await until(() => kept.leftovers().length === 0);
});

test("PendingShim.launch() says so when its shim was killed", async () => {
  await using kept = await openKeeperBundles();
  const request = await kept.make("one", { script: "true" });
  using shim = spawn(request);
  await killShims(kept.dir);
  await assertRejects(
    () => shim.launch(kept.ctx, request),
    EngineError,
    "its shim ended at once",
  );
});

test("Keepers.connect() throws unavailable when nobody answers", async () => {
  await using kept = await openKeeperBundles();
  const error = await assertRejects(
    () =>
      keepers.connect(kept.ctx, {
        address: `unix://${kept.dir}/${"long".repeat(40)}/shim.sock`,
        pid: 1,
        version: 3,
      }),
    EngineError,
  );
  assertEquals(error.code, "unavailable");
});

test("createSharedKeepers() keeps a namespace's containers in one shim", async () => {
  await using kept = await openKeeperBundles();
  const { ctx, dir } = kept;
  const shared = createSharedKeepers(env, `${dir}/shims`);
  const start = async (id: string) => {
    const request = await kept.make(id, { script: `sleep 100` });
    using shim = shared.spawn(request.namespace, id, request.bundle);
    const pid = await shim.launch(ctx, request);
    return { pid, shim: record(request).pid };
  };
  const first = await Promise.all(["a", "b", "c"].map(start));
  const fourth = await start("d");
  const shims = new Set([...first, fourth].map(({ shim }) => shim));
  assertEquals(shims.size, 1);
  const failing = await kept.make("e", { script: "true" });
  await replaceCommand(failing, "/bin/nothing");
  using shim = shared.spawn(ctx.namespace, "e", failing.bundle);
  const error = await assertRejects(
    () => shim.launch(ctx, failing),
    TaskStartError,
  );
  assertEquals(error.exitCode, 127);
  for (const { pid } of [...first, fourth]) Deno.kill(pid, "SIGKILL");
  await until(() => kept.leftovers().length === 0);
  // Its socket is still there, but nobody behind it.
  const { pid, shim: next } = await start("f");
  assertEquals(shims.has(next), false);
  Deno.kill(pid, "SIGKILL");
  await until(() => kept.leftovers().length === 0);
});

/** By what their arguments say. */
/** One that is just being started may not bear its own command line yet. */
async function killShims(dir: string): Promise<void> {
  const bundles = `${dir}/state/bundles`;
  let shims: readonly number[] = [];
  while (shims.length === 0) {
    shims = (await processesWith(bundles)).filter((pid) => pid !== Deno.pid);
  }
  for (const pid of shims) Deno.kill(pid, "SIGKILL");
}

async function replaceCommand({ bundle }: KeepRequest, command: string) {
  const path = `${bundle}/config.json`;
  const spec = JSON.parse(await Deno.readTextFile(path));
  spec.process.args = [command];
  await Deno.writeTextFile(path, JSON.stringify(spec));
}
