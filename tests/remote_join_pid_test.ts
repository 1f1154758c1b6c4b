/** `--pid container:NAME` by a daemon: whose processes a container sees. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hasContainerd } from "./support/containerd.ts";
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
const NAMESPACE = ["busybox", "readlink", "/proc/self/ns/pid"];
const REFUSAL = "cannot join PID of a non running container";

for (const { name, ignore, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `coracle --address run --pid container:NAME joins by ${name}`,
    ignore,
    fn: async (t) => {
      await using store = await open();
      const { call } = store;
      const ok = async (...args: readonly string[]) =>
        (await store.ok(...args)).trim();
      const shown = (name: string, format: string) =>
        ok("inspect", "--format", format, name);
      const pidNamespace = (name: string) => ok("exec", name, ...NAMESPACE);
      const assertJoined = async (guest: string) =>
        assertEquals(await pidNamespace(guest), await pidNamespace("owner"));

      await t.step("a container that there is not is refused", async () => {
        const flags = ["--rm", "--pid", "container:nosuch"];
        const { code, stderr } = await call(["run", ...flags, ...SLEEP]);
        assertEquals(code, 125);
        assertStringIncludes(stderr, "No such container: nosuch");
        assertEquals(await ok("ps", "-aq"), "");
      });

      const owner = await ok("run", "-d", "--name", "owner", ...SLEEP);

      await t.step("in the foreground, by name and by short id", async () => {
        for (const name of ["owner", owner.slice(0, 12)]) {
          const { code, stdout, stderr } = await call([
            ...["run", "--rm", "--pid", `container:${name}`, REMOTE_IMAGE],
            ...["sh", "-c"],
            `cat /proc/1/cmdline; ${NAMESPACE.join(" ")}; exit 5`,
          ]);
          assertEquals([code, stderr], [5, ""]);
          const seen = `sleep\x001000\x00${await pidNamespace("owner")}\n`;
          assertEquals(stdout, seen);
        }
      });

      await t.step("detached, as inspect, exec and top show", async () => {
        const flags = ["-d", "--name", "guest", "--pid", "container:owner"];
        await ok("run", ...flags, ...SLEEP);
        assertEquals(
          await shown("guest", "{{.HostConfig.PidMode}}"),
          `container:${owner}`,
        );
        await assertJoined("guest");
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
        const { code, stderr } = await call(["start", "guest"]);
        assert(code !== 0);
        assertStringIncludes(stderr, `${REFUSAL}: ${owner}`);
        assertStringIncludes(
          await shown("guest", "{{.State.Error}}"),
          `container ${owner} is not running`,
        );
        const flags = ["--name", "late", "--pid", "container:owner"];
        for (const style of [[], ["-d"]]) {
          const run = await call(["run", ...style, ...flags, ...SLEEP]);
          assertEquals(run.code, 125);
          assertStringIncludes(run.stderr, REFUSAL);
          assertEquals(await shown("late", "{{.State.Status}}"), "created");
          assertStringIncludes(
            await shown("late", "{{.State.Error}}"),
            REFUSAL,
          );
          await ok("rm", "late");
        }
      });

      await t.step("the next start joins the owner's next life", async () => {
        await ok("start", "owner");
        await ok("start", "guest");
        await assertJoined("guest");
        assertEquals(await shown("guest", "{{.State.Error}}"), "");
        await ok("restart", "-t", "0", "owner");
        await ok("restart", "-t", "0", "guest");
        await assertJoined("guest");
        await ok("rm", "-f", "guest");
      });

      await t.step("a made one joins when it starts", async () => {
        const flags = ["--name", "made", "--pid", "container:owner"];
        await ok("create", ...flags, ...SLEEP);
        await ok("restart", "-t", "0", "owner");
        await ok("start", "made");
        await assertJoined("made");
        await ok("rm", "-f", "made");
      });

      await t.step("a restart policy joins the owner's next life", async () => {
        const flags = ["--name", "again", "--pid", "container:owner"];
        await ok("run", "-d", "--restart", "always", ...flags, ...SLEEP);
        const status = () => shown("again", "{{.State.Status}}");
        await ok("kill", "owner");
        await until(
          "why it waits",
          async () =>
            (await shown("again", "{{.State.Error}}")).includes(REFUSAL),
        );
        assertEquals(await status(), "restarting");
        await ok("start", "owner");
        await until("its restart", async () => await status() === "running");
        await assertJoined("again");
        await ok("rm", "-f", "again");
      });

      await t.step("a policy that it gets later does, too", async () => {
        const flags = ["--name", "again", "--pid", "container:owner"];
        await ok("run", "-d", ...flags, ...SLEEP);
        await ok("update", "--restart", "always", "again");
        const process = () => shown("again", "{{.State.Pid}}");
        const first = await process();
        await ok("restart", "-t", "0", "owner");
        await until(
          "its restart",
          async () => !["0", first].includes(await process()),
        );
        await assertJoined("again");
        await ok("rm", "-f", "again");
      });

      await t.step({
        name: "one of another client, which can't start who joins it",
        ignore: !hasContainerd(),
        fn: async () => {
          const image = `docker.io/library/${REMOTE_IMAGE}`;
          const sleep = ["sleep", "1000"];
          assertEquals(
            await ctrErrors(store, "run", "-d", image, "its", ...sleep),
            "",
          );
          const flags = ["--name", "guest", "--pid", "container:its"];
          await ok("run", "-d", ...flags, ...SLEEP);
          assertEquals(await pidNamespace("guest"), await pidNamespace("its"));
          const guest = await shown("guest", "{{.Id}}");
          await ok("kill", "guest");
          await ok("wait", "guest");
          const said = await ctrErrors(store, "task", "start", "-d", guest);
          assertStringIncludes(said, "joined.pid");
          await ok("rm", "-f", "guest", "its");
        },
      });

      await ok("rm", "-f", "owner");
      assertEquals(await ok("ps", "-aq"), "");
    },
  });
}

/** Whose number may be another's by the time that somebody reads it. */
async function assertNoProcessNamed(store: RemoteStore): Promise<void> {
  for (const bundle of await commandBundles(store)) {
    const spec = await Deno.readTextFile(`${bundle}/config.json`);
    assert(!/"\/proc\/\d/.test(spec));
    assertEquals(await linksIn(bundle), []);
  }
}
