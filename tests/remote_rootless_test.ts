/** Commands of an ordinary user by the socket of a daemon of ours. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  makeUser,
  type Outcome,
  run,
  type TestUser,
} from "./rootless_support.ts";
import { makeBusyboxArchive } from "./support/busybox_archive.ts";
import { openDaemon } from "./support/daemon.ts";
import { buildExecutable } from "./support/executable.ts";

const IMAGE = "busybox:test";
const START_MS = 30_000;
const PAUSE_MS = 50;

interface Caller {
  call(...args: readonly string[]): Promise<Outcome>;
  /** Standard output of a call that must succeed. */
  ok(...args: readonly string[]): Promise<string>;
}

function callerOf(
  user: TestUser,
  executable: string,
  address: string,
): Caller {
  const call = (...args: readonly string[]) =>
    run(user.command([executable, "--address", address, ...args]));
  const ok = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await call(...args);
    assertEquals(code, 0, `coracle ${args.join(" ")}: ${stderr}`);
    return stdout;
  };
  return { call, ok };
}

/** The user's own, which serves in a namespace of the user's. */
async function startOwnDaemon(
  user: TestUser,
  executable: string,
): Promise<AsyncDisposable & { readonly address: string }> {
  const [program = "", ...args] = user.command([executable, "daemon"]);
  const options = { stdin: "null", stdout: "null", stderr: "null" } as const;
  const process = new Deno.Command(program, { args, ...options }).spawn();
  const address = `${user.runtimeDirectory}/coracle/coracle.sock`;
  const until = Date.now() + START_MS;
  while (!await Deno.stat(address).then(() => true, () => false)) {
    assert(Date.now() < until, "The daemon does not serve");
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return {
    address,
    [Symbol.asyncDispose]: async () => {
      process.kill("SIGTERM");
      await process.status;
    },
  };
}

async function withFiles({ ok }: Caller): Promise<void> {
  const script = "echo seen > /new; echo said; sleep 1000";
  await ok("run", "-d", "--name", "web", IMAGE, "sh", "-c", script);
  assertEquals(await ok("exec", "web", "cat", "/new"), "seen\n");
  assertEquals(await ok("logs", "web"), "said\n");
  assertStringIncludes(await ok("cp", "web:/new", "-"), "seen\n");
  assertEquals(await ok("diff", "web"), "A /new\n");
  await ok("commit", "web", "made:1");
  assertEquals(await ok("run", "--rm", "made:1", "cat", "/new"), "seen\n");
  assertEquals(
    await ok("run", "--rm", "--user", "7:8", IMAGE, "id", "-u"),
    "7\n",
  );
  const namespace = ["busybox", "readlink", "/proc/self/ns/pid"];
  assertEquals(
    await ok("run", "--rm", "--pid", "container:web", IMAGE, ...namespace),
    await ok("exec", "web", ...namespace),
  );
  const donor = ["--name", "donor", "--ipc", "shareable"];
  await ok("run", "-d", ...donor, IMAGE, "sleep", "1000");
  await ok("exec", "donor", "sh", "-c", "echo ahoy > /dev/shm/note");
  const guest = ["--rm", "--ipc", "container:donor"];
  const note = await ok("run", ...guest, IMAGE, "cat", "/dev/shm/note");
  assertEquals(note, "ahoy\n");
  await ok("rm", "-f", "web", "donor");
  assertEquals((await ok("fsck", "--format", "json")).trim(), "");
}

/** What is mounted on this side is for root only. */
async function withoutFiles({ call, ok }: Caller): Promise<void> {
  assertStringIncludes(await ok("images"), "busybox");
  for (const flags of [["-d"], ["--rm"], ["--ipc", "shareable"]]) {
    const { code, stderr } = await call("run", ...flags, IMAGE, "true");
    assertEquals(code, 125);
    assertStringIncludes(stderr, "Run it as root");
  }
  const again = await call("ps", "-aq");
  assertEquals(again, { code: 0, stdout: "", stderr: "" });
}

Deno.test({
  name: "coracle --address works for an ordinary user",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using executable = await buildExecutable();
    const dir = await Deno.makeTempDir({ prefix: "coracle-remote-" });
    await using owned = new AsyncDisposableStack();
    owned.defer(() => Deno.remove(dir, { recursive: true }));
    await Deno.chmod(dir, 0o755);
    const archive = await makeBusyboxArchive(dir);
    await using user = await makeUser("ranges");
    await t.step("by the user's own daemon, where that is", async () => {
      await using daemon = await startOwnDaemon(user, executable.path);
      const caller = callerOf(user, executable.path, daemon.address);
      await caller.ok("load", "-i", archive);
      await withFiles(caller);
    });
    await t.step("but for files by root's daemon", async () => {
      await using daemon = await openDaemon({ executable: executable.path });
      const { gid } = await Deno.stat(user.home);
      await Deno.chmod(daemon.dir, 0o711);
      await Deno.chown(daemon.address, 0, gid);
      const caller = callerOf(user, executable.path, daemon.address);
      await caller.ok("load", "-i", archive);
      await withoutFiles(caller);
    });
  },
});
