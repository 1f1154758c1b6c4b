/** `--pid container:NAME`: whose processes a container sees, and for how long. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";

const SLEEP = ["sleep", "1000"];
const NAMESPACE = ["busybox", "readlink", "/proc/self/ns/pid"];
/** What a restart or an end may take, in steps of `PAUSE_MS`. */
const MOST_PAUSES = 300;
const PAUSE_MS = 50;

Deno.test({
  name: "coracle run --pid container:NAME shares the processes of another",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    const call = (...args: readonly string[]) => store.call(args);
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
    const pidNamespace = (name: string) => ok("exec", name, ...NAMESPACE);

    await t.step("a container that there is not is refused", async () => {
      const { code, stderr } = await store.run(
        ["--pid", "container:nosuch", IMAGE, "true"],
      );
      assertEquals(code, 125);
      assertStringIncludes(stderr, "No such container: nosuch");
      assertEquals(await store.leftovers(), []);
    });

    const owner = await ok("run", "-d", "--name", "owner", IMAGE, ...SLEEP);

    await t.step("in the foreground, by name and by short id", async () => {
      for (const name of ["owner", owner.slice(0, 12)]) {
        const { code, stdout, stderr } = await store.run([
          ...["--pid", `container:${name}`, IMAGE, "sh", "-c"],
          `cat /proc/1/cmdline; ${NAMESPACE.join(" ")}; exit 5`,
        ]);
        assertEquals([code, stderr], [5, ""]);
        assertEquals(
          stdout,
          `sleep\x001000\x00${await pidNamespace("owner")}\n`,
        );
      }
    });

    await t.step("under a shim, as inspect, exec and top show", async () => {
      const flags = ["-d", "--name", "guest", "--pid", "container:owner"];
      await ok("run", ...flags, IMAGE, ...SLEEP);
      assertEquals(
        await shown("guest", "{{.HostConfig.PidMode}}"),
        `container:${owner}`,
      );
      assertEquals(await pidNamespace("guest"), await pidNamespace("owner"));
      assertStringIncludes(await ok("top", "guest"), "sleep 1000");
      await assertNoProcessNamed(store);
    });

    await t.step("the owner's end is the other's", async () => {
      const [, waited] = await Promise.all([
        ok("kill", "owner"),
        ok("wait", "guest"),
      ]);
      assertEquals(waited, "137");
    });

    await t.step("what does not run can't be joined", async () => {
      const { code, stderr } = await call("start", "guest");
      assert(code !== 0);
      assertStringIncludes(
        stderr,
        `cannot join PID of a non running container: ${owner}`,
      );
      assertEquals(
        await shown("guest", "{{.State.Status}} {{.State.ExitCode}}"),
        "exited 137",
      );
      assertStringIncludes(
        await shown("guest", "{{.State.Error}}"),
        `container ${owner} is not running`,
      );
      const flags = ["--name", "late", "--pid", "container:owner"];
      for (const style of [[], ["-d"]]) {
        const run = await call("run", ...style, ...flags, IMAGE, ...SLEEP);
        assertEquals(run.code, 125);
        assertStringIncludes(run.stderr, "cannot join PID of a non running");
        assertEquals(await shown("late", "{{.State.Status}}"), "created");
        assertStringIncludes(
          await shown("late", "{{.State.Error}}"),
          "cannot join PID of a non running",
        );
        await ok("rm", "late");
      }
    });

    await t.step("the next start joins the owner's next life", async () => {
      await ok("start", "owner");
      await ok("start", "guest");
      assertEquals(await pidNamespace("guest"), await pidNamespace("owner"));
      assertEquals(await shown("guest", "{{.State.Error}}"), "");
      await ok("rm", "-f", "guest");
    });

    await t.step("a made one joins when it starts", async () => {
      const flags = ["--name", "made", "--pid", "container:owner"];
      await ok("create", ...flags, IMAGE, ...SLEEP);
      await ok("restart", "-t", "0", "owner");
      await ok("start", "made");
      assertEquals(await pidNamespace("made"), await pidNamespace("owner"));
      await ok("rm", "-f", "made");
    });

    await t.step("a restart policy joins the owner's next life", async () => {
      const flags = ["-d", "--name", "again", "--restart", "always"];
      const joins = ["--pid", "container:owner"];
      await ok("run", ...flags, ...joins, IMAGE, ...SLEEP);
      await ok("kill", "owner");
      await until(async () =>
        (await shown("again", "{{.State.Error}}"))
          .includes("cannot join PID of a non running")
      );
      assertEquals(await shown("again", "{{.State.Status}}"), "restarting");
      await ok("start", "owner");
      await until(async () =>
        await shown("again", "{{.State.Status}}") === "running"
      );
      assertEquals(await pidNamespace("again"), await pidNamespace("owner"));
      await ok("rm", "-f", "again");
    });

    await ok("rm", "-f", "owner");
    assertEquals(await store.leftovers(), []);
  },
});

/** Whose number may be another's by the time that somebody reads it. */
async function assertNoProcessNamed({ dir }: RunStore): Promise<void> {
  for await (const { name } of Deno.readDir(`${dir}/state/bundles`)) {
    const bundle = `${dir}/state/bundles/${name}`;
    const spec = await Deno.readTextFile(`${bundle}/config.json`);
    assert(!/"\/proc\/\d/.test(spec));
    for await (const entry of Deno.readDir(bundle)) assert(!entry.isSymlink);
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let pauses = 0; pauses < MOST_PAUSES; pauses++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error("it has not become so");
}
