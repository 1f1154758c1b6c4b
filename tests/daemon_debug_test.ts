/** Looking into the running daemon with `coracle debug`. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { VersionDefinition } from "../proto/gen/containerd/services/version/v1/version.ts";
import { askDaemon } from "../src/app/observe/ask.ts";
import { type Daemon, openDaemon } from "./support/daemon.ts";

/** Our own, because the daemon tells its calls that are open now. */
async function info(daemon: Daemon): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await daemon.call("debug", "info");
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout);
}

Deno.test("coracle debug info and stack tell what the daemon is and does", async () => {
  await using daemon = await openDaemon();
  await daemon.stub(VersionDefinition).version({});
  const { pid, memory, plugins, calls } = await info(daemon);
  assertEquals(pid, daemon.pid);
  assert((memory as { rss: number }).rss > 10_000_000);
  assertEquals(calls, []);
  const ok = (plugins as { id: string; status: string }[])
    .filter(({ status }) => status === "ok").map(({ id }) => id);
  assert(ok.includes("version"), ok.join(" "));
  const { code, stdout } = await daemon.call("debug", "stack");
  assertEquals(code, 0);
  for (
    const part of [`process ${daemon.pid}, up `, "0 open calls", "memory:"]
  ) {
    assertStringIncludes(stdout, part);
  }
});

Deno.test("coracle debug heap writes what Chrome's tools can open, for its owner", async () => {
  await using daemon = await openDaemon();
  const path = `${daemon.dir}/a.heapsnapshot`;
  const { code, stdout, stderr } = await daemon.call(
    ...["debug", "heap", "-o", path],
  );
  assertEquals([code, stdout.trim()], [0, path], stderr);
  assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  const { snapshot, nodes, strings } = JSON.parse(
    await Deno.readTextFile(path),
  );
  const fields = snapshot.meta.node_fields.length;
  assertEquals(nodes.length, snapshot.node_count * fields);
  // Names of our classes are not kept in the executable, those of properties are.
  assert(strings.includes("proxyPlugins"), "the configuration is in it");
});

Deno.test("coracle debug profile records where the time goes", async () => {
  await using daemon = await openDaemon();
  const path = `${daemon.dir}/a.cpuprofile`;
  const version = daemon.stub(VersionDefinition);
  let isDone = false;
  const busy = async () => {
    while (!isDone) await version.version({});
  };
  const calling = busy();
  const { code, stderr } = await daemon.call(
    ...["debug", "profile", "--seconds", "1.5", "-o", path],
  );
  isDone = true;
  await calling;
  assertEquals(code, 0, stderr);
  const { nodes, samples } = JSON.parse(await Deno.readTextFile(path));
  assert(samples.length > 100, `${samples.length} samples`);
  const files = nodes.map((it: { callFrame: { url: string } }) =>
    it.callFrame.url
  );
  assert(files.some((it: string) => it.endsWith("rpc/grpc/server.ts")), files);
});

Deno.test("the daemon records one profile at a time", async () => {
  await using daemon = await openDaemon();
  const socket = `${daemon.dir}/state/debug.sock`;
  const record = async () => {
    const target = "/debug/profile?seconds=0.5";
    const { signal } = new AbortController();
    using answer = await askDaemon(socket, target, signal);
    return await Array.fromAsync(answer.body);
  };
  const outcomes = await Promise.allSettled([record(), record()]);
  const refused = outcomes.filter((it) => it.status === "rejected");
  assertEquals(refused.map(({ reason }) => reason.code), [
    "failedPrecondition",
  ]);
  assert((await record()).length > 0);
});

Deno.test("ctr pprof shows what it gets from our debug socket", async () => {
  await using daemon = await openDaemon();
  const socket = `${daemon.dir}/state/debug.sock`;
  assertEquals(((await Deno.stat(socket)).mode ?? 0) & 0o777, 0o600);
  const shown = await daemon.expectCtr(
    ...["pprof", "--debug-socket", socket, "goroutines"],
  );
  assertStringIncludes(shown, `process ${daemon.pid}`);
});

Deno.test("coracle debug says what to do without a daemon, and about bad questions", async () => {
  const daemon = await openDaemon();
  const refused = await daemon.call("debug", "profile", "--seconds", "99999");
  assertEquals(refused.code, 1);
  assertEquals(refused.stderr.trim().split("\n"), [
    'coracle: Cannot profile for "99999" seconds',
    "hint: Name a number above 0, and at most 600",
  ]);
  assertEquals(await daemon.stop("SIGTERM"), 0);
  const { code, stderr } = await daemon.call("debug", "stack");
  await daemon[Symbol.asyncDispose]();
  assertEquals(code, 1);
  assertStringIncludes(stderr, "coracle daemon");
});

Deno.test("a daemon takes over the debug socket of one that was killed", async () => {
  await using daemon = await openDaemon();
  await daemon.stop("SIGKILL");
  await Deno.remove(daemon.address).catch(() => {});
  await daemon.start();
  assertEquals((await info(daemon))["pid"], daemon.pid);
});
