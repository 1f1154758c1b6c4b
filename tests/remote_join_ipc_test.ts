/** `--ipc shareable` and `--ipc container:NAME` by a daemon. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hasContainerd } from "./support/containerd.ts";
import { startCoracle } from "./support/coracle.ts";
import { PROGRAM } from "./support/program.ts";
import {
  commandBundles,
  ctrErrors,
  linksIn,
  REMOTE_IMAGE,
  REMOTE_SERVERS,
  type RemoteStore,
  until,
} from "./support/remote_store.ts";

const SLEEP = [REMOTE_IMAGE, "sleep", "1000"];
const NAMESPACE = ["busybox", "readlink", "/proc/self/ns/ipc"];
const SHM_BYTES = 4 * 1024 * 1024;
const DONOR = ["--name", "donor", "--ipc", "shareable", "--shm-size", "4m"];
const GUEST = ["--name", "guest", "--ipc", "container:donor"];

/** What the scenes have in common. */
interface Scene {
  readonly store: RemoteStore;
  ok(...args: readonly string[]): Promise<string>;
  shown(name: string, format: string): Promise<string>;
  /** Runs a shell's script in a container. */
  sh(name: string, script: string): Promise<string>;
  /** Below the state. */
  mounts(): Promise<readonly string[]>;
}

function sceneOn(store: RemoteStore): Scene {
  const ok = async (...args: readonly string[]) =>
    (await store.ok(...args)).trim();
  return {
    store,
    ok,
    shown: (name, format) => ok("inspect", "--format", format, name),
    sh: (name, script) => ok("exec", name, "sh", "-c", script),
    mounts: async () =>
      (await Deno.readTextFile("/proc/self/mounts")).split("\n")
        .filter((line) => line.includes(`${store.dir}/`)),
  };
}

/** Loggers finish what has ended, if no command does. */
async function nothingIsMounted({ mounts, ok }: Scene): Promise<void> {
  await ok("ps", "-aq");
  await until("its end", async () => (await mounts()).length === 0);
}

async function assertJoined({ sh, ok }: Scene, guest: string): Promise<void> {
  const namespace = (name: string) => ok("exec", name, ...NAMESPACE);
  assertEquals(await namespace(guest), await namespace("donor"));
  const word = crypto.randomUUID();
  await sh("donor", `echo ${word} > /dev/shm/word`);
  assertEquals(await sh(guest, "cat /dev/shm/word"), word);
}

for (const { name, ignore, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `coracle --address run --ipc container:NAME shares memory by ${name}`,
    ignore,
    fn: async (t) => {
      await using store = await open();
      const scene = sceneOn(store);
      await t.step("private ones can't be joined", () => refuses(scene));
      await t.step("memory and queues are in common", () => shares(scene));
      await t.step("memory is as large as it was to be", () => shows(scene));
      await t.step("a guest outlives its donor", () => outlives(scene));
      await t.step("each life begins with nothing", () => startsAnew(scene));
      await t.step("a memory of one's own is as it is", () => overrides(scene));
      await t.step("policies restart both", () => restarts(scene));
      await t.step("nothing stays of one in the foreground", () => ends(scene));
      await t.step("memory must be seen over there", () => isThere(scene));
      await t.step("nothing stays of killed commands", () => isKilled(scene));
      await t.step({
        name: "others can't be donors, and may remove ours",
        ignore: !hasContainerd(),
        fn: () => meetsOthers(scene),
      });
      await t.step("a lost state is made anew", () => losesState(scene));
      assertEquals(await scene.ok("ps", "-aq"), "");
      await nothingIsMounted(scene);
    },
  });
}

async function refuses({ store, ok, mounts }: Scene): Promise<void> {
  await ok("run", "-d", "--name", "donor", ...SLEEP);
  for (const verb of [["run"], ["run", "-d"], ["create"]]) {
    const { code, stderr } = await store.call([...verb, ...GUEST, ...SLEEP]);
    assertEquals(code, verb[0] === "run" ? 125 : 1);
    assertStringIncludes(
      stderr,
      "non-shareable IPC (hint: use IpcMode:shareable for the donor container)",
    );
  }
  await ok("rm", "-f", "donor");
  const { code, stderr } = await store.call(["run", ...GUEST, ...SLEEP]);
  assertEquals(code, 125);
  assertStringIncludes(stderr, "No such container: donor");
  assertEquals([await ok("ps", "-aq"), await mounts()], ["", []]);
}

async function shares(scene: Scene): Promise<void> {
  const { store, ok, sh, mounts } = scene;
  const id = await ok("run", "-d", ...DONOR, ...SLEEP);
  assertEquals((await mounts()).length, 1);
  await sh("donor", "echo ahoy > /dev/shm/note; : > /dev/mqueue/queue");
  const { code, stdout, stderr } = await store.call([
    ...["run", "--rm", "--ipc", `container:${id.slice(0, 10)}`],
    ...[REMOTE_IMAGE, "sh", "-c"],
    `cat /dev/shm/note; ls /dev/mqueue; ${NAMESPACE.join(" ")};` +
    "echo aye > /dev/shm/answer; exit 5",
  ]);
  assertEquals([code, stderr], [5, ""]);
  const namespace = await ok("exec", "donor", ...NAMESPACE);
  assertEquals(stdout, `ahoy\nqueue\n${namespace}\n`);
  assertEquals(await sh("donor", "cat /dev/shm/answer"), "aye");
  await ok("run", "-d", ...GUEST, ...SLEEP);
  await assertJoined(scene, "guest");
  assertEquals(
    await scene.shown("guest", "{{.HostConfig.IpcMode}} {{json .Mounts}}"),
    `container:${id} []`,
  );
}

async function shows({ shown, sh, store }: Scene): Promise<void> {
  const format = "{{.HostConfig.IpcMode}} {{.HostConfig.ShmSize}} " +
    "{{json .HostConfig.Binds}} {{json .Mounts}}";
  assertEquals(
    await shown("donor", format),
    `shareable ${SHM_BYTES} null []`,
  );
  for (const name of ["donor", "guest"]) {
    const mounted = await sh(name, "grep ' /dev/shm ' /proc/mounts");
    assertStringIncludes(mounted, "tmpfs rw,nosuid,nodev,noexec");
    assertStringIncludes(mounted, "size=4096k");
  }
  await assertNoLinks(store);
}

async function outlives(scene: Scene): Promise<void> {
  const { store, ok, sh, shown } = scene;
  const id = await shown("donor", "{{.Id}}");
  await ok("kill", "donor");
  await ok("wait", "donor");
  await nothingIsMounted(scene);
  assertEquals(await sh("guest", "cat /dev/shm/note"), "ahoy");
  await ok("kill", "guest");
  await ok("wait", "guest");
  const reason = `can't join IPC of container ${id}: container ${id} is not ` +
    "running";
  const { code, stderr } = await store.call(["start", "guest"]);
  assert(code !== 0);
  assertStringIncludes(stderr, reason);
  assertStringIncludes(await shown("guest", "{{.State.Error}}"), reason);
  await nothingIsMounted(scene);
}

async function startsAnew(scene: Scene): Promise<void> {
  const { ok, sh } = scene;
  await ok("start", "donor");
  await ok("start", "guest");
  assertEquals(await sh("guest", "ls /dev/shm"), "");
  await assertJoined(scene, "guest");
  await ok("restart", "-t", "0", "donor");
  assertEquals(await sh("guest", "ls /dev/shm"), "word");
  assertEquals(await sh("donor", "ls /dev/shm"), "");
  await ok("restart", "-t", "0", "guest");
  assertEquals(await sh("guest", "ls /dev/shm"), "");
  await assertJoined(scene, "guest");
  await ok("rm", "-f", "guest", "donor");
  await nothingIsMounted(scene);
}

async function overrides(scene: Scene): Promise<void> {
  const { store, ok, sh } = scene;
  const own = ["--mount", "type=tmpfs,target=/dev/shm"];
  await ok("run", "-d", ...DONOR, ...own, ...SLEEP);
  await sh("donor", "echo own > /dev/shm/note");
  const { code, stderr } = await store.call(["run", ...GUEST, ...SLEEP]);
  assertEquals(code, 125);
  assertStringIncludes(stderr, "its memory is not mounted");
  await ok("rm", "-f", "donor", "guest");
  await ok("run", "-d", ...DONOR, ...SLEEP);
  await ok("run", "-d", ...GUEST, ...own, ...SLEEP);
  await sh("donor", "echo own > /dev/shm/note");
  assertEquals(await sh("guest", "ls /dev/shm"), "");
  await ok("rm", "-f", "donor", "guest");
  await nothingIsMounted(scene);
}

async function restarts(scene: Scene): Promise<void> {
  const { ok, shown } = scene;
  const policy = ["run", "-d", "--restart", "always"];
  const script = "ls /dev/shm; echo x > /dev/shm/x; sleep 1000";
  await ok(...policy, ...DONOR, REMOTE_IMAGE, "sh", "-c", script);
  await ok(...policy, ...GUEST, ...SLEEP);
  await assertJoined(scene, "guest");
  const process = (name: string) => shown(name, "{{.State.Pid}}");
  for (const name of ["donor", "guest"]) {
    const first = await process(name);
    Deno.kill(Number(first), "SIGKILL");
    await until(
      `the restart of ${name}`,
      async () => !["0", first].includes(await process(name)),
    );
  }
  await assertJoined(scene, "guest");
  assertEquals(await ok("logs", "donor"), "");
  await ok("kill", "donor");
  Deno.kill(Number(await process("guest")), "SIGKILL");
  await until(
    "why it waits",
    async () =>
      (await shown("guest", "{{.State.Error}}")).includes("can't join IPC"),
  );
  await ok("start", "donor");
  await until(
    "its restart",
    async () => await shown("guest", "{{.State.Status}}") === "running",
  );
  await assertJoined(scene, "guest");
  await ok("rm", "-f", "guest", "donor");
  await nothingIsMounted(scene);
}

async function ends(scene: Scene): Promise<void> {
  for (const style of [["--rm"], ["-d", "--rm"]]) {
    await scene.ok(
      ...["run", ...style, ...DONOR, REMOTE_IMAGE, "sh", "-c"],
      "echo x > /dev/shm/x",
    );
    await until(
      "its removal",
      async () => await scene.ok("ps", "-aq") === "",
    );
    await nothingIsMounted(scene);
  }
  const run = ["run", ...DONOR, REMOTE_IMAGE, "/nosuch"];
  assert((await scene.store.call(run)).code !== 0);
  await scene.ok("rm", "donor");
  await nothingIsMounted(scene);
}

/** From mounts of its own, the rest of its files are the daemon's. */
async function isThere(scene: Scene): Promise<void> {
  const { store, ok, shown } = scene;
  for (const style of [["-d"], []]) {
    const run = [...store.flags, "run", ...style, ...DONOR, ...SLEEP];
    const { code, stderr } = await new Deno.Command("timeout", {
      args: ["30", "unshare", "--mount", ...PROGRAM, ...run],
      stdin: "null",
      env: { NO_COLOR: "1" },
    }).output();
    const said = new TextDecoder().decode(stderr);
    assertEquals(code, 125, said);
    assertStringIncludes(said, `does not see "${store.dir}/`);
    assertEquals(await shown("donor", "{{.State.Status}}"), "created");
    await ok("rm", "donor");
  }
  await nothingIsMounted(scene);
}

async function isKilled(scene: Scene): Promise<void> {
  const { store, ok } = scene;
  const running = startCoracle([...store.flags, "run", ...DONOR, ...SLEEP]);
  await until("its start", async () => await ok("ps", "-q") !== "");
  running.kill("SIGKILL");
  await running.status;
  await ok("run", "-d", ...GUEST, ...SLEEP);
  await assertJoined(scene, "guest");
  await ok("rm", "-f", "donor", "guest");
  await nothingIsMounted(scene);
}

async function meetsOthers(scene: Scene): Promise<void> {
  const { store, ok } = scene;
  const image = `docker.io/library/${REMOTE_IMAGE}`;
  assertEquals(
    await ctrErrors(store, "run", "-d", image, "its", "sleep", "60"),
    "",
  );
  const args = ["run", "--rm", "--ipc", "container:its", ...SLEEP];
  const { code, stderr } = await store.call(args);
  assertEquals(code, 125);
  assertStringIncludes(stderr, "non-shareable IPC");
  await ok("rm", "-f", "its");
  const id = await ok("run", "-d", ...DONOR, ...SLEEP);
  const guest = await ok("run", "-d", ...GUEST, ...SLEEP);
  await assertJoined(scene, "guest");
  await ok("kill", "guest");
  await ok("wait", "guest");
  // What it joins is not told to those who can't know whether it is there.
  const said = await ctrErrors(store, "task", "start", "-d", guest);
  assertStringIncludes(said, "joined.");
  await ctrErrors(store, "task", "rm", "-f", id);
  await ctrErrors(store, "container", "rm", id);
  await nothingIsMounted(scene);
  await ok("rm", "guest");
}

async function losesState(scene: Scene): Promise<void> {
  const { store, ok, sh } = scene;
  await ok("run", "-d", ...DONOR, ...SLEEP);
  await ok("kill", "donor");
  await ok("wait", "donor");
  await nothingIsMounted(scene);
  await Deno.remove(`${store.dir}/state`, { recursive: true });
  await ok("start", "donor");
  assertEquals(await sh("donor", "ls /dev/shm"), "");
  await ok("run", "-d", ...GUEST, ...SLEEP);
  await assertJoined(scene, "guest");
  await ok("rm", "-f", "donor", "guest");
}

async function assertNoLinks(store: RemoteStore): Promise<void> {
  for (const bundle of await commandBundles(store)) {
    assertEquals(await linksIn(bundle), []);
  }
}
