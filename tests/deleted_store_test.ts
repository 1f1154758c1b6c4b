/** What happens where a store was. */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { openTestStore, type TestStore } from "./support/coracle.ts";
import { IMAGE, openRunStore } from "./support/run_store.ts";

async function whatIsThere({ dir }: TestStore): Promise<readonly string[]> {
  const entries = await Array.fromAsync(Deno.readDir(dir));
  return entries.map(({ name }) => name).sort();
}

Deno.test({
  name: "system reconcile makes no store where none is",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openTestStore();
    const reconcile = ["--debug", "system", "reconcile"];

    await t.step("where there was one", async () => {
      const { code, stdout, stderr } = await store.call(reconcile);
      assertEquals([code, stdout], [0, ""]);
      assertEquals(stderr.trim().split("\n").length, 1, stderr);
      assertStringIncludes(stderr, `${store.dir}/root/meta.db`);
      assertEquals(await whatIsThere(store), []);
      const quiet = await store.call(["system", "reconcile"]);
      assertEquals(quiet, { code: 0, stdout: "", stderr: "" });
    });

    await t.step("where one of a daemon's containers was", async () => {
      const address = ["--address", `${store.dir}/no.sock`];
      const { code, stderr } = await store.call([...address, ...reconcile]);
      assertEquals(code, 0, stderr);
      assertStringIncludes(stderr, `${store.dir}/root/remote/`);
      assertEquals(await whatIsThere(store), []);
    });

    await t.step("where only its state is gone", async () => {
      await store.ok("images");
      await Deno.remove(`${store.dir}/state`, { recursive: true });
      const { code, stderr } = await store.call(reconcile);
      assertEquals(code, 0, stderr);
      assertEquals(await whatIsThere(store), ["root"]);
    });

    await t.step("nor does publish", async () => {
      await Deno.remove(`${store.dir}/root`, { recursive: true });
      const args = ["publish", "--topic", "/tasks/exit"];
      const { code, stderr } = await store.call(args, { stdin: "{}" });
      assertEquals(code, 1);
      assertStringIncludes(stderr, "Cannot find store");
      assertEquals(await whatIsThere(store), []);
    });

    await t.step("one that is there is opened", async () => {
      await store.ok("images");
      const { code, stderr } = await store.call(reconcile);
      assertEquals([code, stderr], [0, ""]);
      assertEquals(await whatIsThere(store), ["root", "state"]);
    });
  },
});

Deno.test({
  name: "a container whose store was deleted leaves nothing mounted",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using store = await openRunStore();
    const { dir } = store;
    const shared = ["--ipc", "shareable"];
    await store.call(
      ["run", "-d", "--name", "web", ...shared, IMAGE, "sleep", "1000"],
    );
    const pid = Number(
      (await store.call(["inspect", "-f", "{{.State.Pid}}", "web"])).stdout,
    );
    await Deno.remove(`${dir}/root`, { recursive: true });
    Deno.kill(pid, "SIGKILL");
    const bundles = () => Array.fromAsync(Deno.readDir(`${dir}/state/bundles`));
    for (let patience = 200; patience > 0; patience--) {
      if ((await bundles()).length === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assertEquals(await bundles(), []);
    const mounts = await Deno.readTextFile("/proc/self/mountinfo");
    assertEquals(mounts.includes(dir), false);
    await assertRejects(
      () => Deno.stat(`${dir}/root/meta.db`),
      Deno.errors.NotFound,
    );
  },
});
