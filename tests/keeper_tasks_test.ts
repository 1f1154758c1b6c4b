/** containerd's task service on the socket of our own shim. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { remoteShim } from "../src/api/remote/shim_task.ts";
import { createKeepers } from "../src/app/keepers.ts";
import { connectUnix } from "../src/app/unix_socket.ts";
import type { Context } from "../src/base/context.ts";
import { EngineError, type ErrorCode } from "../src/base/errors.ts";
import type { KeepRequest, ShimRecord } from "../src/core/keeper.ts";
import type { ShimService } from "../src/core/shim.ts";
import { TtrpcClient } from "../src/rpc/ttrpc/client.ts";
import { sendSignal } from "../src/sys/process.ts";
import {
  type KeeperBundles,
  openKeeperBundles,
  primeKeeper,
  until,
} from "./support/keeper_bundles.ts";

const ignore = Deno.uid() !== 0;
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, ignore, fn });

const keepers = createKeepers(() =>
  Object.entries(Deno.env.toObject()).map(([name, value]) => `${name}=${value}`)
);
const NOWHERE = { stdin: "", stdout: "", stderr: "", terminal: false };
const SIGTERM = 15;
const SIGKILL = 9;
const FOREVER = "trap 'exit 5' TERM; while :; do sleep 0.1; done";

interface Running extends AsyncDisposable {
  readonly request: KeepRequest;
  readonly pid: number;
  readonly shim: ShimService;
}

async function launch(
  kept: KeeperBundles,
  script: string,
  version: 2 | 3 = 3,
): Promise<Running> {
  const request = await kept.make("one", { script });
  using pending = keepers.spawn(request.namespace, request.id, request.bundle);
  const pid = await pending.launch(kept.ctx, request);
  const text = await Deno.readTextFile(`${request.bundle}/shim.json`);
  const { address }: ShimRecord = JSON.parse(text);
  const client = new TtrpcClient(await connectUnix(address));
  return {
    request,
    pid,
    shim: remoteShim(client, version),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      // Of a test that has failed.
      if (await isAlive(request)) sendSignal(pid, SIGKILL);
      await until(() => kept.leftovers().length === 0);
    },
  };
}

async function isAlive({ bundle }: KeepRequest): Promise<boolean> {
  const text = await Deno.readTextFile(`${bundle}/status.json`);
  return JSON.parse(text).pid !== 0;
}

/** Whoever asks once it has ended may find the shim gone. */
async function endOf(
  ctx: Context,
  { shim }: Running,
  signal: number,
): Promise<number> {
  const init = { id: "one", execId: "" };
  const ended = shim.wait(ctx, init);
  await shim.kill(ctx, { ...init, signal, scope: "process" });
  return (await ended).exitCode;
}

async function refused(work: Promise<unknown>, code: ErrorCode) {
  const error = await assertRejects(() => work, EngineError);
  assertEquals(error.code, code, error.message);
}

function execOf(script: string) {
  const process = {
    args: ["/bin/sh", "-c", script],
    cwd: "/",
    env: ["PATH=/bin"],
    user: { uid: 0, gid: 0 },
  };
  return {
    typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Process",
    value: new TextEncoder().encode(JSON.stringify(process)),
  };
}

async function prime(): Promise<void> {
  await primeKeeper();
  await using kept = await openKeeperBundles();
  await using one = await launch(kept, "true");
  await one.shim.wait(kept.ctx, { id: "one", execId: "" }).catch(() => {});
}

if (!ignore) await prime();

for (const version of [2, 3] as const) {
  test(`Our shim tells of its container by the task API ${version}`, async () => {
    await using kept = await openKeeperBundles();
    const { ctx } = kept;
    await using one = await launch(kept, FOREVER, version);
    const { shim, pid, request } = one;
    const init = { id: "one", execId: "" };
    const state = await shim.state(ctx, init);
    assertEquals(
      [state.status, state.pid, state.bundle, state.terminal],
      ["running", pid, request.bundle, false],
    );
    const { taskPid, shimPid } = await shim.connect(ctx, "one");
    assertEquals(taskPid, pid);
    assert(shimPid !== Deno.pid && shimPid !== 0);
    assert((await shim.pids(ctx, "one")).some((it) => it.pid === pid));
    const { typeUrl, value } = await shim.stats(ctx, "one");
    assert(/cgroups\.v[12]\.Metrics$/.test(typeUrl), typeUrl);
    assert(value.length > 0);
    assertEquals(await endOf(ctx, one, SIGTERM), 5);
  });
}

test("Our shim refuses by the task API what would take its container away", async () => {
  await using kept = await openKeeperBundles();
  const { ctx } = kept;
  await using one = await launch(kept, FOREVER);
  const { shim, request } = one;
  const init = { id: "one", execId: "" };
  const create = { ...NOWHERE, bundle: request.bundle, rootfs: [] };
  await refused(
    shim.create(ctx, { ...create, id: "one", checkpoint: "" }),
    "alreadyExists",
  );
  await refused(
    shim.create(ctx, { ...create, id: "two", checkpoint: "" }),
    "failedPrecondition",
  );
  await refused(shim.start(ctx, init), "failedPrecondition");
  await refused(shim.delete(ctx, init), "failedPrecondition");
  await refused(
    shim.shutdown(ctx, { id: "one", when: "now" }),
    "failedPrecondition",
  );
  await refused(shim.state(ctx, { id: "two", execId: "" }), "notFound");
  await shim.shutdown(ctx, { id: "one", when: "idle" });
  assertEquals((await shim.state(ctx, init)).status, "running");
  assertEquals(await endOf(ctx, one, SIGKILL), 137);
});

test("Our shim pauses, resumes and updates by the task API", async () => {
  await using kept = await openKeeperBundles();
  const { ctx } = kept;
  await using one = await launch(kept, FOREVER);
  const { shim } = one;
  const init = { id: "one", execId: "" };
  const status = async () => (await shim.state(ctx, init)).status;
  await shim.pause(ctx, "one");
  assertEquals(await status(), "paused");
  await shim.resume(ctx, "one");
  assertEquals(await status(), "running");
  const resources = JSON.stringify({ pids: { limit: 77 } });
  await shim.update(ctx, {
    id: "one",
    resources: {
      typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Linux",
      value: new TextEncoder().encode(resources),
    },
    annotations: {},
  });
  const stats = await shim.stats(ctx, "one");
  assert(stats.value.includes(77));
  await until(() => kept.events().length === 2);
  assertEquals(kept.events(), [
    ["/tasks/paused", { containerId: "one" }],
    ["/tasks/resumed", { containerId: "one" }],
  ]);
  // What is frozen ends all the same.
  await shim.pause(ctx, "one");
  assertEquals(await endOf(ctx, one, SIGKILL), 137);
});

test("Our shim runs further processes by the task API", async () => {
  await using kept = await openKeeperBundles();
  const { ctx, dir } = kept;
  await using one = await launch(kept, FOREVER);
  const { shim } = one;
  const extra = { id: "one", execId: "extra" };
  const output = `${dir}/output`;
  const stdout = `file://${output}`;
  const spec = execOf(
    "echo from the extra; until [ -e /go ]; do sleep 0.05; done; exit 7",
  );
  await shim.exec(ctx, { ...NOWHERE, ...extra, stdout, spec });
  await refused(
    shim.exec(ctx, { ...NOWHERE, ...extra, stdout, spec }),
    "alreadyExists",
  );
  const pid = await shim.start(ctx, extra);
  const shown = (await shim.pids(ctx, "one")).find((it) => it.pid === pid);
  assertEquals(shown?.info?.typeUrl, "containerd.runc.v1.ProcessDetails");
  await refused(shim.delete(ctx, extra), "failedPrecondition");
  await Deno.writeTextFile(`${one.request.bundle}/rootfs/go`, "");
  assertEquals((await shim.wait(ctx, extra)).exitCode, 7);
  assertEquals((await shim.state(ctx, extra)).status, "stopped");
  const deleted = await shim.delete(ctx, extra);
  assertEquals([deleted.pid, deleted.exit.exitCode], [pid, 7]);
  await refused(shim.state(ctx, extra), "notFound");
  assertEquals(await Deno.readTextFile(output), "from the extra\n");
  await until(() => kept.events().length === 3);
  assertEquals(
    kept.events().map(([topic, event]) => [topic, event.execId ?? event.id]),
    [
      ["/tasks/exec-added", "extra"],
      ["/tasks/exec-started", "extra"],
      ["/tasks/exit", "extra"],
    ],
  );
  assertEquals(await endOf(ctx, one, SIGKILL), 137);
});
