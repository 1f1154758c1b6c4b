import { assertEquals, assertRejects } from "@std/assert";
import { TaskStartError } from "../src/core/start_failure.ts";
import {
  openKeeperBundles,
  primeKeeper,
  until,
} from "./support/keeper_bundles.ts";

await primeKeeper();

const ignore = Deno.uid() !== 0;
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, ignore, fn });

test("Keeper.launch() starts a container, and its end is on the disk", async () => {
  await using kept = await openKeeperBundles();
  const { keeper, ctx } = kept;
  const request = await kept.make("one", {
    script: "echo hello; until [ -e /go ]; do sleep 0.05; done; exit 3",
  });
  const pid = await keeper.launch(ctx, request);
  const running = kept.status(request);
  assertEquals([running.state, running.pid], ["running", pid]);
  assertEquals(typeof running.pidStartTime, "number");
  await Deno.writeTextFile(`${request.bundle}/rootfs/go`, "");
  const { exitCode } = await keeper.wait(ctx, "one");
  assertEquals(exitCode, 3);
  const { state, exit, oomKilled } = kept.status(request);
  assertEquals([state, exit?.exitCode, exit?.certainty, oomKilled], [
    "stopped",
    3,
    "seen",
    false,
  ]);
  // For whoever tells of its end.
  assertEquals(exit?.pid, pid);
  assertEquals(kept.log(request), "hello\n");
  assertEquals(await kept.settled(), []);
  assertEquals(kept.events(), []);
});

test("Keeper.launch() throws TaskStartError when there is no such command", async () => {
  await using kept = await openKeeperBundles();
  const request = await kept.make("one", { script: "" });
  const path = `${request.bundle}/config.json`;
  const spec = JSON.parse(await Deno.readTextFile(path));
  spec.process.args = ["/bin/nothing"];
  await Deno.writeTextFile(path, JSON.stringify(spec));
  const error = await assertRejects(
    () => kept.keeper.launch(kept.ctx, request),
    TaskStartError,
  );
  assertEquals(error.exitCode, 127);
  assertEquals(await kept.settled(), []);
  await assertRejects(() =>
    Promise.resolve().then(() => kept.keeper.wait(kept.ctx, "one"))
  );
});

test("KeptContainer restarts on-failure:2 twice, and tells of each run", async () => {
  await using kept = await openKeeperBundles();
  const { keeper, ctx } = kept;
  const request = await kept.make("one", {
    script: "echo again; exit 1",
    settings: { restart: { kind: "on-failure", most: 2 } },
  });
  await keeper.launch(ctx, request);
  const { exitCode } = await keeper.wait(ctx, "one");
  const status = kept.status(request);
  assertEquals([exitCode, status.state, status.restartCount], [
    1,
    "stopped",
    2,
  ]);
  assertEquals(kept.log(request), "again\nagain\nagain\n");
  await until(() => kept.events().length === 4);
  // The last end is for whoever finishes the bundle to tell.
  assertEquals(kept.events().map(([topic]) => topic), [
    "/tasks/exit",
    "/tasks/start",
    "/tasks/exit",
    "/tasks/start",
  ]);
  assertEquals(await kept.settled(), []);
});

test("KeptContainer does not restart on-failure what succeeded", async () => {
  await using kept = await openKeeperBundles();
  const request = await kept.make("one", {
    script: "exit 0",
    settings: { restart: { kind: "on-failure", most: 0 } },
  });
  await kept.keeper.launch(kept.ctx, request);
  await kept.keeper.wait(kept.ctx, "one");
  assertEquals(kept.status(request).restartCount, 0);
  assertEquals(kept.events(), []);
});

test("Keeper.retire() ends the wait for the next restart", async () => {
  await using kept = await openKeeperBundles();
  const { keeper, ctx } = kept;
  const request = await kept.make("one", {
    script: "exit 1",
    settings: { restart: { kind: "always" } },
  });
  await keeper.launch(ctx, request);
  await until(() => kept.status(request).restartCount >= 3);
  await keeper.retire(ctx, "one");
  await keeper.wait(ctx, "one");
  const { state, stoppedByUser, exit } = kept.status(request);
  assertEquals([state, stoppedByUser, exit?.exitCode], ["stopped", true, 1]);
  assertEquals(await kept.settled(), []);
});

test("Keeper.setRestartPolicy() counts from the next end on", async () => {
  await using kept = await openKeeperBundles();
  const { keeper, ctx } = kept;
  const request = await kept.make("one", {
    script: "sleep 100",
    settings: { restart: { kind: "always" } },
  });
  const pid = await keeper.launch(ctx, request);
  await keeper.setRestartPolicy(ctx, "one", { kind: "no" });
  Deno.kill(pid, "SIGKILL");
  assertEquals((await keeper.wait(ctx, "one")).exitCode, 137);
  assertEquals(kept.status(request).restartCount, 0);
});

test("KeptContainer tries again when a restart fails", async () => {
  await using kept = await openKeeperBundles();
  const { keeper, ctx } = kept;
  const request = await kept.make("one", {
    script: "until [ -e /go ]; do sleep 0.05; done; exit 1",
    settings: { restart: { kind: "on-failure", most: 2 } },
  });
  await keeper.launch(ctx, request);
  await Deno.rename(`${request.bundle}/rootfs`, `${request.bundle}/away`);
  await Deno.writeTextFile(`${request.bundle}/away/go`, "");
  await keeper.wait(ctx, "one");
  await Deno.rename(`${request.bundle}/away`, `${request.bundle}/rootfs`);
  const { restartCount, error, exit } = kept.status(request);
  assertEquals([restartCount, exit?.exitCode], [2, 1]);
  assertEquals(error?.startsWith("Cannot start the container"), true);
  assertEquals(await kept.settled(), []);
});

test("KeptContainer says when the kernel ended it for want of memory", async () => {
  await using kept = await openKeeperBundles();
  const { keeper, ctx } = kept;
  const request = await kept.make("one", {
    script: "head -c 64m /dev/zero | tail",
    memoryBytes: 16 * 1024 ** 2,
  });
  await keeper.launch(ctx, request);
  await keeper.wait(ctx, "one");
  assertEquals(kept.status(request).oomKilled, true);
  await until(() => kept.events().length > 0);
  assertEquals(kept.events(), [["/tasks/oom", { containerId: "one" }]]);
  assertEquals(await kept.settled(), []);
});

test("KeptContainer ends its container when the bundle has gone", async () => {
  await using kept = await openKeeperBundles();
  const { keeper, ctx } = kept;
  const request = await kept.make("one", {
    script: "sleep 100",
    settings: { restart: { kind: "always" } },
  });
  await keeper.launch(ctx, request);
  // Meanwhile the keeper may write its last words there.
  await Deno.remove(`${request.bundle}/record.json`);
  assertEquals((await keeper.wait(ctx, "one")).exitCode, 137);
  assertEquals(await kept.settled(), []);
});

test("KeptContainer ends what shares the host's processes with it", async () => {
  await using kept = await openKeeperBundles();
  const { keeper, ctx } = kept;
  const request = await kept.make("one", {
    script: `sleep 1000 & echo ${"x".repeat(10)}; exit 4`,
    pids: "host",
  });
  await keeper.launch(ctx, request);
  assertEquals((await keeper.wait(ctx, "one")).exitCode, 4);
  assertEquals(await kept.settled(), []);
});
