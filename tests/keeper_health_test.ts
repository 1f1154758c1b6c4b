import { assertEquals } from "@std/assert";
import type { HealthCheck } from "../src/core/container_settings.ts";
import {
  type KeeperBundles,
  openKeeperBundles,
  primeKeeper,
  until,
} from "./support/keeper_bundles.ts";

await primeKeeper();

const ignore = Deno.uid() !== 0;
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, ignore, fn });

const CHECK: HealthCheck = {
  command: ["/bin/sh", "-c", "echo looking; test -e /ok"],
  intervalMs: 100,
  timeoutMs: 5000,
  startPeriodMs: 0,
  startIntervalMs: 100,
  retries: 2,
};

async function launch(kept: KeeperBundles, health: HealthCheck) {
  const request = await kept.make("one", {
    script: "sleep 100",
    settings: { health },
  });
  const pid = await kept.keeper.launch(kept.ctx, request);
  return {
    request,
    status: () => kept.status(request).health,
    async end() {
      Deno.kill(pid, "SIGKILL");
      await kept.keeper.wait(kept.ctx, "one");
    },
  };
}

test("KeptContainer is unhealthy after so many failures, then healthy", async () => {
  await using kept = await openKeeperBundles();
  const { request, status, end } = await launch(kept, CHECK);
  assertEquals(status()?.status, "starting");
  await until(() => status()?.status === "unhealthy");
  const failed = status();
  assertEquals(failed?.failingStreak, 2);
  assertEquals(failed?.log.at(-1)?.exitCode, 1);
  assertEquals(failed?.log.at(-1)?.output, "looking\n");
  await Deno.writeTextFile(`${request.bundle}/rootfs/ok`, "");
  await until(() => status()?.status === "healthy");
  assertEquals(status()?.failingStreak, 0);
  await until(() => kept.events().length === 2);
  assertEquals(kept.events(), [
    ["/containers/health-status", { id: "one", status: "unhealthy" }],
    ["/containers/health-status", { id: "one", status: "healthy" }],
  ]);
  await until(() => status()?.log.length === 5);
  await end();
  assertEquals(await kept.settled(), []);
});

test("KeptContainer counts no failure within the start period", async () => {
  await using kept = await openKeeperBundles();
  const { status, end } = await launch(kept, {
    ...CHECK,
    startPeriodMs: 60_000,
    intervalMs: 60_000,
  });
  await until(() => (status()?.log.length ?? 0) > 3);
  assertEquals([status()?.status, status()?.failingStreak], ["starting", 0]);
  await end();
});

test("KeptContainer ends a probe that takes too long, and counts it as failed", async () => {
  await using kept = await openKeeperBundles();
  const { status, end } = await launch(kept, {
    ...CHECK,
    command: ["/bin/sh", "-c", "head -c 9999 /dev/zero | tr '\\0' x; sleep 50"],
    timeoutMs: 300,
    retries: 1,
  });
  await until(() => status()?.status === "unhealthy");
  const result = status()?.log.at(-1);
  assertEquals(result?.exitCode, -1);
  const verdict = "Health check exceeded timeout (0.3s)";
  assertEquals(result?.output, `${verdict}: ${"x".repeat(4096)}`);
  await end();
  assertEquals(await kept.settled(), []);
});
