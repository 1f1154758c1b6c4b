import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { TaskStartError } from "../core/start_failure.ts";
import { assertCode } from "../core/testing/assert.ts";
import {
  type BundleSpec,
  cgroupDirectories,
  fillRootfs,
  specFor,
} from "../../tests/support/runtime_bundle.ts";
import { listenConsole } from "../sys/console_socket.ts";
import {
  closeFd,
  makePipe,
  readSome,
  setBlocking,
  writeSome,
} from "../sys/descriptors.ts";
import { openPoller, type Poller } from "../sys/poller.ts";
import { adoptOrphans } from "../sys/process.ts";
import { setTerminalSize } from "../sys/pty.ts";
import { createReaper, type Reaper } from "../sys/reaper.ts";
import { containerGroup, groupPids, isFrozen, processesOf } from "./cgroup.ts";
import { watchOom } from "./cgroup_oom.ts";
import { oomKills } from "./oom_kills.ts";
import { type LaunchStreams, NO_STREAMS, RuntimeControl } from "./control.ts";

const ID = "boat";

interface Place extends AsyncDisposable {
  readonly bundle: string;
  readonly pidFile: string;
  readonly poller: Poller;
  readonly reaper: Reaper;
  readonly control: RuntimeControl;
}

/** A bundle, and what a shim would have. */
function openPlace(spec: Omit<BundleSpec, "cgroup">): Place {
  // Longer than the address of a socket may be.
  const bundle = Deno.makeTempDirSync({ prefix: `coracle-${"x".repeat(90)}` });
  const parent = `/coracle-test-${crypto.randomUUID().slice(0, 8)}`;
  fillRootfs(`${bundle}/rootfs`);
  Deno.writeTextFileSync(
    `${bundle}/config.json`,
    specFor({ ...spec, cgroup: `${parent}/${ID}` }),
  );
  const poller = openPoller();
  const reaper = createReaper();
  // A shim has its socket; to wait for a child keeps no process alive.
  const alive = setInterval(() => {}, 1000);
  adoptOrphans();
  const control = new RuntimeControl({
    runtime: { name: "runc", path: "/usr/sbin/runc" },
    root: `${bundle}/runtime`,
    scratch: bundle,
    env: [],
    wait: (pid) => reaper.wait(pid),
  });
  return {
    bundle,
    pidFile: `${bundle}/pid`,
    poller,
    reaper,
    control,
    async [Symbol.asyncDispose]() {
      await control.delete(ID, "force");
      clearInterval(alive);
      reaper[Symbol.dispose]();
      await poller.close();
      // The listener for signals ends a moment after it was removed.
      await new Promise((resolve) => setTimeout(resolve));
      for (const path of cgroupDirectories(parent)) Deno.removeSync(path);
      await Deno.remove(bundle, { recursive: true });
    },
  };
}

/** All that comes until the end of file, or until `last` has come. */
function readAll(poller: Poller, fd: number, last?: string): Promise<string> {
  setBlocking(fd, "nonblocking");
  const { promise, resolve } = Promise.withResolvers<string>();
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let text = "";
  const watch = poller.watch(fd, "readable", () => {
    const count = readSome(fd, buffer);
    if (count === "again") return;
    text += decoder.decode(buffer.subarray(0, count));
    if (count > 0 && (last === undefined || !text.includes(last))) return;
    watch[Symbol.dispose]();
    resolve(text);
  });
  return promise;
}

const writingTo = (fd: number): LaunchStreams => ({
  kind: "streams",
  stdin: "null",
  stderr: "null",
  stdout: { fd },
});

type Step = () => Promise<void>;

const STEPS: Readonly<Record<string, Step>> = {
  "create() and start() give a process its streams; exec() one more":
    async () => {
      await using place = openPlace({
        script: 'echo "$WORD"; while ! test -e /out/go; do sleep 0.1; done',
      });
      const { control, bundle, pidFile, poller, reaper } = place;
      const { read, write } = makePipe();
      const launch = { streams: writingTo(write), pidFile };
      const pid = await control.create(ID, bundle, launch);
      closeFd(write);
      const ended = reaper.wait(pid);
      const output = readAll(poller, read);
      await control.start(ID);
      const process = `${bundle}/process.json`;
      writeProcess(process, ["/bin/touch", "/out/go"]);
      const exec = { streams: NO_STREAMS, pidFile: `${bundle}/exec.pid` };
      const more = await control.exec(ID, process, exec);
      assertEquals(await reaper.wait(more), { kind: "exited", code: 0 });
      assertEquals(await output, "boat\n");
      assertEquals(await ended, { kind: "exited", code: 0 });
      closeFd(read);
      await control.delete(ID, "stopped");
    },

  "run() and exec() throw docker's exit codes when there is no command":
    async () => {
      await using place = openPlace({ script: "sleep 1000" });
      const { control, bundle, pidFile, reaper } = place;
      const launch = { streams: NO_STREAMS, pidFile };
      const pid = await control.run(ID, bundle, launch);
      const process = `${bundle}/process.json`;
      writeProcess(process, ["nothere"]);
      const error = await control.exec(ID, process, launch).catch((e) => e);
      assert(error instanceof TaskStartError);
      assertEquals(error.exitCode, 127);
      assertStringIncludes(error.message, "OCI runtime exec failed: exec");
      await control.kill(ID, 9);
      await reaper.wait(pid);
    },

  "run() sends the terminal to the socket, however long its path": async () => {
    await using place = openPlace({
      script: "read x; stty size; exit 3",
      terminal: "terminal",
    });
    const { control, bundle, pidFile, poller, reaper } = place;
    const socket = listenConsole(`${bundle}/console.sock`, poller);
    const accepted = socket.accept();
    const pid = await control.run(ID, bundle, {
      streams: { kind: "terminal", consoleSocket: socket.path },
      pidFile,
    });
    const master = await accepted;
    socket[Symbol.dispose]();
    setTerminalSize(master, { columns: 132, rows: 43 });
    const output = readAll(poller, master);
    writeLine(master);
    assertStringIncludes(await output, "43 132");
    assertEquals(await reaper.wait(pid), { kind: "exited", code: 3 });
    closeFd(master);
  },

  "containerGroup() finds who is in it, and whether they are frozen":
    async () => {
      await using place = openPlace({
        script: "sleep 1000 & sleep 1000 & wait",
      });
      const { control, bundle, pidFile, reaper } = place;
      const launch = { streams: NO_STREAMS, pidFile };
      const pid = await control.run(ID, bundle, launch);
      const group = containerGroup(pid, ID);
      assert(group !== undefined);
      while (groupPids(group).length < 3) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assertEquals(
        [...groupPids(group)].sort(),
        [...processesOf(pid)].sort(),
      );
      // Its group is somebody else's: of no container of this name.
      assertEquals(containerGroup(pid, "ship"), undefined);
      assertEquals(isFrozen(group), false);
      await control.pause(ID);
      assertEquals(isFrozen(group), true);
      await control.resume(ID);
      await control.kill(ID, "KILL", "all");
      await reaper.wait(pid);
    },

  "watchOom() tells of a process that was killed for want of memory":
    async () => {
      await using place = openPlace({
        script: "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done",
        memoryBytes: 16 * 1024 * 1024,
      });
      const { control, bundle, pidFile, poller, reaper } = place;
      const launch = { streams: NO_STREAMS, pidFile };
      const pid = await control.create(ID, bundle, launch);
      const group = containerGroup(pid, ID);
      assert(group !== undefined);
      assertEquals(oomKills(group), 0);
      const { promise, resolve } = Promise.withResolvers<void>();
      using _watch = watchOom(poller, group, resolve);
      await control.start(ID);
      assertEquals(await reaper.wait(pid), { kind: "signalled", signal: 9 });
      await promise;
      assertEquals(oomKills(group), 1);
    },

  "pause() throws notFound when there is no such container": async () => {
    await using place = openPlace({ script: "true" });
    await assertCode("notFound", () => place.control.pause("ship"));
  },
};

function writeProcess(path: string, args: readonly string[]): void {
  const process = {
    args,
    cwd: "/",
    env: ["PATH=/bin"],
    user: { uid: 0, gid: 0 },
  };
  Deno.writeTextFileSync(path, JSON.stringify(process));
}

function writeLine(fd: number): void {
  writeSome(fd, new TextEncoder().encode("\n"));
}

const needsRoot = Deno.uid() !== 0;
for (const [name, fn] of Object.entries(STEPS)) {
  Deno.test({
    name,
    ignore: needsRoot,
    // libc's symbols stay open; the sanitizer would count them to a test.
    sanitizeResources: false,
    fn,
  });
}

Deno.test({
  name:
    "RuntimeControl.checkpoint() says what to install when there is no criu",
  ignore: Deno.uid() !== 0,
  async fn() {
    // Its environment names no PATH: nothing is found.
    await using place = openPlace({ script: "sleep 100" });
    const { control, bundle, pidFile, reaper } = place;
    const pid = await control.run(ID, bundle, { streams: NO_STREAMS, pidFile });
    const end = reaper.wait(pid);
    const error = await assertRejects(
      () =>
        control.checkpoint(ID, {
          image: `${bundle}/image`,
          work: `${bundle}/work`,
          after: "goOn",
        }),
      EngineError,
    );
    assertEquals(error.code, "failedPrecondition");
    assertStringIncludes(error.message, "criu is not installed");
    assertStringIncludes(error.hint ?? "", "apt-get install criu");
    await control.kill(ID, "KILL");
    await end;
    await control.delete(ID, "force");
  },
});
