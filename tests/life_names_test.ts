/** `/etc/hosts` and its kin of a container that is started again. */

import { assertEquals } from "@std/assert";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";

async function ok(store: RunStore, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await store.call(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

const SHOW = "cat /etc/hostname /etc/hosts /etc/resolv.conf; " +
  "echo 10.6.6.6 changed >> /etc/hosts";

/** Says of all of them what they would say if the host's were others. */
async function age(store: RunStore): Promise<void> {
  for (const directory of await directories(store)) {
    for (const name of ["hostname", "hosts", "resolv.conf"]) {
      await Deno.writeTextFile(`${directory}/${name}`, "long ago\n");
    }
  }
}

async function directories(store: RunStore): Promise<readonly string[]> {
  const namespace = store.flags.at(-1);
  const parent = `${store.dir}/root/containers/${namespace}`;
  const entries = await Array.fromAsync(Deno.readDir(parent));
  return entries.map(({ name }) => `${parent}/${name}`);
}

Deno.test({
  name: "start and restart renew /etc/hosts, hostname and resolv.conf",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    const host = (await Deno.readTextFile("/etc/resolv.conf")).split("\n")
      .filter((line) => line !== "");

    await t.step("with what the host says now", async () => {
      await ok(store, "create", "--name", "web", IMAGE, "sh", "-c", SHOW);
      const first = await ok(store, "start", "-a", "web");
      assertEquals(host.every((line) => first.includes(line)), true, first);
      await age(store);
      assertEquals(await ok(store, "start", "-a", "web"), first);
      // Its files are made again should they be lost.
      for (const directory of await directories(store)) {
        await Deno.remove(directory, { recursive: true });
      }
      assertEquals(await ok(store, "start", "-a", "web"), first);
      await ok(store, "rm", "web");
    });

    await t.step("with what the user asked for", async () => {
      const flags = [
        ...["--hostname", "galley", "--add-host", "port:10.1.2.3"],
        ...["--dns", "10.9.9.9", "--dns-search", "sea", "--dns-option"],
        ...["ndots:3", "--network", "none"],
      ];
      const name = ["--name", "web", ...flags];
      const first = await ok(store, "run", ...name, IMAGE, "sh", "-c", SHOW);
      const lines = first.split("\n");
      for (
        const line of [
          "galley",
          "127.0.1.1\tgalley",
          "10.1.2.3\tport",
          "nameserver 10.9.9.9",
          "search sea",
          "options ndots:3",
        ]
      ) assertEquals(lines.includes(line), true, `${line} in ${first}`);
      await age(store);
      assertEquals(await ok(store, "start", "-a", "web"), first);
      await ok(store, "rm", "web");
    });

    await t.step("but not what the user mounted", async () => {
      const mine = `${store.dir}/hosts`;
      await Deno.writeTextFile(mine, "10.7.7.7 mine\n");
      const mount = ["-v", `${mine}:/etc/hosts`];
      await ok(
        store,
        ...["create", "--name", "web", ...mount, IMAGE, "cat", "/etc/hosts"],
      );
      assertEquals(await ok(store, "start", "-a", "web"), "10.7.7.7 mine");
      await ok(store, "rm", "web");
    });

    await t.step("by restart, too", async () => {
      const script = "cat /etc/hostname /etc/resolv.conf; sleep 1000";
      const name = ["--name", "web", "--dns", "10.9.9.9", "-h", "galley"];
      await ok(store, "run", "-d", ...name, IMAGE, "sh", "-c", script);
      await age(store);
      await ok(store, "restart", "-t", "0", "web");
      const read = ["exec", "web", "cat", "/etc/hostname", "/etc/resolv.conf"];
      const lines = (await ok(store, ...read)).split("\n");
      assertEquals(lines[0], "galley");
      assertEquals(lines.includes("nameserver 10.9.9.9"), true);
      assertEquals(lines.includes("long ago"), false);
      await ok(store, "rm", "-f", "web");
    });
    assertEquals(await store.leftovers(), []);
  },
});
