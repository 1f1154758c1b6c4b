/** `coracle volume`, and what becomes of containers' volumes. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  IMAGE,
  IMAGE_WITH_CONFIG,
  openRunStore,
  type RunStore,
} from "./support/run_store.ts";

async function ok(store: RunStore, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await store.call(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

async function names(
  store: RunStore,
  ...args: readonly string[]
): Promise<readonly string[]> {
  const text = await ok(store, "volume", "ls", "-q", ...args);
  return text === "" ? [] : text.split("\n");
}

Deno.test({
  name: "coracle volume manages what containers mount",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();

    await t.step("create, ls and inspect speak as docker's", async () => {
      assertEquals(await ok(store, "volume", "create", "hold"), "hold");
      assertEquals(await ok(store, "volume", "create", "hold"), "hold");
      assertEquals(
        await ok(store, "volume", "ls"),
        "DRIVER   VOLUME NAME\nlocal    hold",
      );
      const [hold] = JSON.parse(await ok(store, "volume", "inspect", "hold"));
      assertEquals([hold.Name, hold.Driver, hold.Scope], [
        "hold",
        "local",
        "local",
      ]);
      for (const more of [[], ["--type", "volume"]]) {
        const found = await ok(store, "inspect", ...more, "hold");
        assertEquals(JSON.parse(found), [hold]);
      }
      const typed = await store.call(["inspect", "--type", "image", "hold"]);
      assertEquals(typed.code, 1);
      await Deno.writeTextFile(`${hold.Mountpoint}/cargo`, "tea");
      assertEquals(
        await ok(
          store,
          "run",
          "--rm",
          "-v",
          "hold:/h",
          IMAGE,
          "cat",
          "/h/cargo",
        ),
        "tea",
      );
      const anonymous = await ok(store, "volume", "create");
      assertEquals(/^[0-9a-f]{64}$/.test(anonymous), true);
      assertEquals(await ok(store, "volume", "rm", anonymous), anonymous);
      const wrong = await store.call(["volume", "create", "a/b"]);
      assertEquals(wrong.code, 1);
      assertStringIncludes(wrong.stderr, "includes invalid characters");
    });

    await t.step(
      "what a killed command began to fill is filled anew",
      async () => {
        const namespace = store.flags.at(-1);
        const half = `${store.dir}/root/volumes/${namespace}/half`;
        await Deno.mkdir(`${half}/_new/junk`, { recursive: true });
        const flags = ["--rm", "-v", "half:/etc"];
        const listed = await ok(store, "run", ...flags, IMAGE, "ls", "/etc");
        assertStringIncludes(listed, "passwd");
        assertEquals(listed.includes("junk"), false);
        await ok(store, "volume", "rm", "half");
      },
    );

    await t.step("rm refuses what a container uses", async () => {
      const id = await ok(
        store,
        ...["create", "--name", "web", "-v", "hold:/h", IMAGE, "true"],
      );
      const { code, stderr } = await store.call(["volume", "rm", "hold"]);
      assertEquals(code, 1);
      assertStringIncludes(stderr, `volume is in use - [${id}]`);
      const df = async () => {
        const format = "{{.Type}}: {{.TotalCount}} {{.Active}}";
        const lines = (await ok(store, "system", "df", "--format", format))
          .split("\n");
        return lines.find((line) => line.startsWith("Local Volumes"));
      };
      assertEquals(await df(), "Local Volumes: 1 1");
      assertEquals(await names(store, "-f", "dangling=true"), []);
      assertEquals(await names(store, "-f", "dangling=false"), ["hold"]);
      await ok(store, "rm", "web");
      assertEquals(await df(), "Local Volumes: 1 0");
      assertEquals(await names(store, "-f", "dangling=true"), ["hold"]);
      assertEquals(await names(store, "-f", "name=ol"), ["hold"]);
      assertEquals(await names(store, "-f", "name=x"), []);
      assertEquals(await names(store, "-f", "driver=nfs"), []);
      assertEquals(await ok(store, "volume", "rm", "hold"), "hold");
      assertEquals(await names(store), []);
    });

    await t.step("rm -f is content with none", async () => {
      const { code, stderr } = await store.call(["volume", "rm", "hold"]);
      assertEquals(code, 1);
      assertStringIncludes(stderr, 'Cannot find volume "hold"');
      assertEquals(await ok(store, "volume", "rm", "-f", "hold"), "hold");
      const inspected = await store.call(["volume", "inspect", "hold"]);
      assertEquals([inspected.code, inspected.stdout.trim()], [1, "[]"]);
    });

    await t.step("prune takes what rm of a container has left", async () => {
      await ok(store, "create", "--name", "web", IMAGE_WITH_CONFIG);
      const [name = ""] = await names(store);
      const mounts = "{{range .Mounts}}{{.Name}}{{end}}";
      assertEquals(await ok(store, "inspect", "-f", mounts, "web"), name);
      const kept = await ok(store, "volume", "prune", "--force");
      assertEquals(kept, "Total reclaimed space: 0B");
      await ok(store, "rm", "web");
      await ok(store, "volume", "create", "hold");
      const pruned = await ok(store, "volume", "prune", "-f");
      assert(pruned.startsWith(`Deleted Volumes:\n${name}\n\nTotal`), pruned);
      assertEquals(await names(store), ["hold"]);
      assertStringIncludes(
        await ok(store, "volume", "prune", "-a", "-f"),
        "Deleted Volumes:\nhold\n",
      );
      assertEquals(await names(store), []);
    });

    await t.step("system prune --volumes takes them, too", async () => {
      for (const flags of [["--volumes"], []]) {
        await ok(store, "create", "--name", "web", IMAGE_WITH_CONFIG);
        const [name = ""] = await names(store);
        const pruned = await ok(store, "system", "prune", "-f", ...flags);
        const isAsked = flags.length > 0;
        assertEquals(pruned.includes(`Deleted Volumes:\n${name}\n`), isAsked);
        assertEquals(await names(store), isAsked ? [] : [name]);
      }
      await ok(store, "volume", "prune", "-f");
      assertEquals(await store.leftovers(), []);
    });
  },
});
