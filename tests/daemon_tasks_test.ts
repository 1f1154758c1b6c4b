/** Tasks of the daemon, driven by containerd's own client and by ours. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { type Daemon, openDaemon } from "./support/daemon.ts";
import { writeBusyboxRoot } from "./support/run_image.ts";
import { isThere } from "../src/sys/is_there.ts";

const ignore = Deno.uid() !== 0 || !isThere("/usr/bin/ctr");
const FOREIGN_SHIM = "/usr/bin/containerd-shim-runc-v2";

/** False also of what its parent has not looked at yet. */
function isRunning(pid: number): boolean {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return !/^State:\s+[ZX]/m.test(status);
  } catch {
    return false;
  }
}

/** The daemon with a directory that containers can have as their root. */
async function openWithRoot(): Promise<Daemon & { readonly root: string }> {
  const daemon = await openDaemon();
  const root = `${daemon.dir}/rootfs`;
  writeBusyboxRoot(root);
  return Object.assign(daemon, { root });
}

function bundleOf({ dir, namespace }: Daemon, id: string): string {
  return `${dir}/state/bundles/${namespace}.${id}`;
}

function statusesOf(listed: string): ReadonlyMap<string, string> {
  const rows = listed.trim().split("\n").slice(1).map((row) =>
    row.split(/\s+/)
  );
  return new Map(rows.map(([id = "", , status = ""]) => [id, status]));
}

async function eventually(check: () => Promise<boolean> | boolean) {
  for (let tries = 0; tries < 200; tries++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("It did not come to pass");
}

Deno.test({
  name: "ctr run gives output and exit code of a container, and leaves nothing",
  ignore,
  async fn() {
    await using daemon = await openWithRoot();
    const { code, stdout } = await daemon.ctr(
      ...["run", "--rm", "--rootfs", daemon.root, "a"],
      ...["/bin/sh", "-c", "echo hello; exit 7"],
    );
    assertEquals([code, stdout], [7, "hello\n"]);
    assertEquals(statusesOf(await daemon.expectCtr("tasks", "ls")).size, 0);
    assertEquals([...Deno.readDirSync(`${daemon.dir}/state/bundles`)], []);
  },
});

Deno.test({
  name: "the daemon's tasks do all that ctr asks of them",
  ignore,
  async fn() {
    await using daemon = await openWithRoot();
    const { root } = daemon;
    await daemon.expectCtr(
      "run",
      "-d",
      "--rootfs",
      root,
      "b",
      "/bin/sleep",
      "300",
    );
    const status = async () =>
      statusesOf(await daemon.expectCtr("tasks", "ls")).get("b");
    assertEquals(await status(), "RUNNING");
    const exec = ["tasks", "exec", "--exec-id", "e", "b"];
    assertEquals(await daemon.expectCtr(...exec, "/bin/echo", "hi"), "hi\n");
    assertEquals(
      (await daemon.ctr(...exec, "/bin/sh", "-c", "exit 4")).code,
      4,
    );
    await daemon.expectCtr("tasks", "pause", "b");
    assertEquals(await status(), "PAUSED");
    await daemon.expectCtr("tasks", "resume", "b");
    assertStringIncludes(await daemon.expectCtr("tasks", "metrics", "b"), "b");
    assertMatch(await daemon.expectCtr("tasks", "ps", "b"), /\n\d+/);
    const again = await daemon.ctr("tasks", "start", "b");
    assertStringIncludes(again.stderr, "task b: already exists");
    assertEquals((await daemon.ctr("tasks", "delete", "b")).code, 1);
    await daemon.expectCtr("tasks", "kill", "-s", "SIGKILL", "b");
    await eventually(async () => await status() === "STOPPED");
    const late = await daemon.ctr("tasks", "kill", "b");
    assertStringIncludes(late.stderr, "process already finished: not found");
    const deleted = await daemon.ctr("tasks", "delete", "b");
    assertStringIncludes(deleted.stderr, "non-zero exit code 137");
    await daemon.expectCtr("containers", "rm", "b");
  },
});

Deno.test({
  name: "commands see, use and remove what a client of the daemon has started",
  ignore,
  async fn() {
    await using daemon = await openWithRoot();
    const { root } = daemon;
    await daemon.expectCtr(
      "run",
      "-d",
      "--rootfs",
      root,
      "c",
      "/bin/sleep",
      "300",
    );
    const listed = await daemon.call("ps", "--format", "{{.ID}} {{.State}}");
    assertStringIncludes(listed.stdout, "c running");
    const exec = await daemon.call("exec", "c", "/bin/echo", "ours");
    assertEquals(exec.stdout, "ours\n");
    assertEquals((await daemon.call("stop", "--time", "0", "c")).code, 0);
    const stopped = statusesOf(await daemon.expectCtr("tasks", "ls"));
    assertEquals(stopped.get("c"), "STOPPED");
    assertEquals((await daemon.call("rm", "c")).code, 0);
    assertEquals(statusesOf(await daemon.expectCtr("tasks", "ls")).size, 0);
    assertEquals(isThere(`${bundleOf(daemon, "c")}/config.json`), false);
  },
});

Deno.test({
  name: "the daemon's clients see and use what a command has started",
  ignore,
  async fn() {
    await using daemon = await openWithRoot();
    const { root } = daemon;
    const run = await daemon.call(
      "run",
      "-d",
      "--rootfs",
      root,
      "/bin/sleep",
      "300",
    );
    assertEquals(run.code, 0, run.stderr);
    const id = run.stdout.trim();
    const listed = statusesOf(await daemon.expectCtr("tasks", "ls"));
    assertEquals(listed.get(id), "RUNNING");
    const exec = ["tasks", "exec", "--exec-id", "e", id, "/bin/echo", "theirs"];
    assertEquals(await daemon.expectCtr(...exec), "theirs\n");
    await daemon.expectCtr("tasks", "kill", "-s", "SIGKILL", id);
    const waited = await daemon.call("wait", id);
    assertEquals(waited.stdout.trim(), "137");
    await daemon.call("rm", "-f", id);
  },
});

Deno.test({
  name:
    "a daemon that is killed finds its tasks again, and commands do meanwhile",
  ignore,
  async fn() {
    await using daemon = await openWithRoot();
    const { root } = daemon;
    await daemon.expectCtr(
      "run",
      "-d",
      "--rootfs",
      root,
      "d",
      "/bin/sleep",
      "300",
    );
    const foreign = isThere(FOREIGN_SHIM);
    if (foreign) {
      const by = ["--runtime", FOREIGN_SHIM, "--rootfs", root];
      await daemon.expectCtr("run", "-d", ...by, "f", "/bin/sleep", "300");
    }
    const before = await daemon.expectCtr("tasks", "ls");
    await daemon.stop("SIGKILL");
    const exec = await daemon.call("exec", "d", "/bin/echo", "alive");
    assertEquals(exec.stdout, "alive\n");
    if (foreign) await daemon.call("stop", "--time", "0", "f");
    await daemon.start();
    const after = statusesOf(await daemon.expectCtr("tasks", "ls"));
    assertEquals(after.get("d"), "RUNNING");
    assertStringIncludes(before, "d ");
    if (foreign) assertEquals(after.get("f"), "STOPPED");
    for (const id of foreign ? ["d", "f"] : ["d"]) {
      await daemon.ctr("tasks", "delete", "--force", id);
      await daemon.expectCtr("containers", "rm", id);
    }
  },
});

Deno.test({
  name: "a shim that is killed takes its task along, and waiters hear of it",
  ignore,
  async fn() {
    await using daemon = await openWithRoot();
    const { root } = daemon;
    const run = ["run", "--rootfs", root, "k", "/bin/sleep", "300"];
    const running = daemon.ctr(...run);
    const bundle = bundleOf(daemon, "k");
    await eventually(async () =>
      statusesOf((await daemon.ctr("tasks", "ls")).stdout).get("k") ===
        "RUNNING"
    );
    const shim = Number(Deno.readTextFileSync(`${bundle}/shim.pid`));
    const { pid } = JSON.parse(Deno.readTextFileSync(`${bundle}/status.json`));
    Deno.kill(shim, "SIGKILL");
    assert((await running).code !== 0);
    await eventually(() => !isThere(`${bundle}/config.json`));
    assertEquals(isRunning(pid), false);
    const { stdout } = await daemon.call(
      "events",
      "--since",
      "1h",
      "--until",
      "0s",
    );
    const exits = stdout.split("\n").filter((line) =>
      line.includes("/tasks/exit")
    );
    assertEquals(exits.length, 1, stdout);
    assertStringIncludes(exits[0] ?? "", "137");
    await daemon.expectCtr("containers", "rm", "k");
  },
});
