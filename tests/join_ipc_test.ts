/** `--ipc shareable` and `--ipc container:NAME`: memory and queues in common. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { IMAGE, openRunStore } from "./support/run_store.ts";

const SLEEP = ["sleep", "1000"];
const SHM_BYTES = 4 * 1024 * 1024;
const NAMESPACE = ["busybox", "readlink", "/proc/self/ns/ipc"];

Deno.test({
  name: "coracle run --ipc container:NAME shares the memory of another",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    const ok = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await store.call(args);
      assertEquals([code, stderr], [0, ""], args.join(" "));
      return stdout.trim();
    };
    const shown = (name: string, format: string) =>
      ok("inspect", "--format", format, name);
    // Restarted for ever by a shim, it would outlive a test that fails.
    await using owned = new AsyncDisposableStack();
    owned.defer(async () => void await store.call(["rm", "-f", "again"]));
    const mounts = async () =>
      (await Deno.readTextFile("/proc/self/mountinfo")).split("\n")
        .filter((line) => line.includes(store.dir));

    await t.step("what is not shareable can't be joined", async () => {
      await ok("run", "-d", "--name", "private", IMAGE, ...SLEEP);
      const { code, stderr } = await store.run(
        ["--ipc", "container:private", IMAGE, "true"],
      );
      assertEquals(code, 125);
      assertStringIncludes(
        stderr,
        "non-shareable IPC (hint: use IpcMode:shareable for the donor " +
          "container)",
      );
      await ok("rm", "-f", "private");
      assertEquals(await store.leftovers(), []);
    });

    const donor = ["-d", "--name", "donor", "--ipc", "shareable"];
    const id = await ok(
      ...["run", ...donor, "--shm-size", "4m", IMAGE, ...SLEEP],
    );

    await t.step("each sees what the other writes", async () => {
      await ok("exec", "donor", "sh", "-c", "echo ahoy > /dev/shm/note");
      const { code, stdout, stderr } = await store.run([
        ...["--ipc", `container:${id.slice(0, 10)}`, IMAGE, "sh", "-c"],
        `cat /dev/shm/note; ${NAMESPACE.join(" ")}; echo aye > /dev/shm/answer`,
      ]);
      assertEquals([code, stderr], [0, ""]);
      const namespace = await ok("exec", "donor", ...NAMESPACE);
      assertEquals(stdout, `ahoy\n${namespace}\n`);
      assertEquals(await ok("exec", "donor", "cat", "/dev/shm/answer"), "aye");
    });

    await t.step("inspect says who shares, and how much", async () => {
      const format = "{{.HostConfig.IpcMode}} {{.HostConfig.ShmSize}} " +
        "{{json .HostConfig.Binds}} {{json .Mounts}}";
      assertEquals(
        await shown("donor", format),
        `shareable ${SHM_BYTES} null []`,
      );
      const mounted = await ok("exec", "donor", "cat", "/proc/mounts");
      const shm = mounted.split("\n").find((it) => it.includes(" /dev/shm "));
      assertStringIncludes(shm ?? "", "tmpfs rw,nosuid,nodev,noexec");
      assertStringIncludes(shm ?? "", "size=4096k");
      await ok(
        ...["create", "--name", "guest", "--ipc", "container:donor"],
        ...[IMAGE, ...SLEEP],
      );
      assertEquals(
        await shown("guest", "{{.HostConfig.IpcMode}} {{json .Mounts}}"),
        `container:${id} []`,
      );
    });

    await t.step(
      "the guest outlives the donor, and can't be anew",
      async () => {
        await ok("start", "guest");
        await ok("kill", "donor");
        await ok("wait", "donor");
        assertEquals(await ok("exec", "guest", "cat", "/dev/shm/note"), "ahoy");
        await ok("kill", "guest");
        await ok("wait", "guest");
        const { code, stderr } = await store.call(["start", "guest"]);
        assert(code !== 0);
        assertStringIncludes(stderr, `can't join IPC of container ${id}`);
        assertEquals(await mounts(), []);
      },
    );

    await t.step("a next life begins with nothing", async () => {
      await ok("start", "donor");
      await ok("start", "guest");
      assertEquals(await ok("exec", "guest", "ls", "/dev/shm"), "");
      await ok("exec", "guest", "sh", "-c", "echo new > /dev/shm/note");
      assertEquals(await ok("exec", "donor", "cat", "/dev/shm/note"), "new");
      await ok("rm", "-f", "guest", "donor");
      assertEquals(await store.leftovers(), []);
    });

    await t.step("one that its shim starts again does, too", async () => {
      const flags = ["-d", "--name", "again", "--restart", "always"];
      await ok(
        ...["run", ...flags, "--ipc", "shareable", IMAGE, "sh", "-c"],
        "ls /dev/shm; echo x > /dev/shm/x; sleep 1000",
      );
      const pid = Number(await shown("again", "{{.State.Pid}}"));
      Deno.kill(pid, "SIGKILL");
      for (let pauses = 0; pauses < 200; pauses++) {
        const count = await shown("again", "{{.RestartCount}} {{.State.Pid}}");
        if (/^1 [1-9]/.test(count)) break;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assertEquals(await ok("logs", "again"), "");
      await ok("rm", "-f", "again");
      assertEquals(await store.leftovers(), []);
    });

    await t.step("after a kill of all nothing stays mounted", async () => {
      await ok("run", "-d", "--name", "lost", "--ipc", "shareable", ...[
        IMAGE,
        ...SLEEP,
      ]);
      const bundles = await Array.fromAsync(
        Deno.readDir(`${store.dir}/state/bundles`),
      );
      const bundle = `${store.dir}/state/bundles/${bundles[0]?.name}`;
      const shim = JSON.parse(await Deno.readTextFile(`${bundle}/shim.json`));
      const pid = Number(await shown("lost", "{{.State.Pid}}"));
      Deno.kill(shim.pid, "SIGKILL");
      Deno.kill(pid, "SIGKILL");
      const { code } = await store.call(["rm", "-f", "lost"]);
      assertEquals(code, 0);
      assertEquals(await store.leftovers(), []);
    });

    await t.step("in the foreground, with --rm, nothing stays", async () => {
      const { code, stdout } = await store.run(
        [
          "--ipc",
          "shareable",
          IMAGE,
          "sh",
          "-c",
          "echo x > /dev/shm/x; echo y",
        ],
      );
      assertEquals([code, stdout], [0, "y\n"]);
      assertEquals(await store.leftovers(), []);
    });
  },
});
