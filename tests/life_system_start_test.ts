/** `coracle system start`: docker's rules for what is to run again. */

import { assertEquals } from "@std/assert";
import { until } from "./support/processes.ts";
import { switchOff } from "./support/reboot.ts";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";

async function ok(store: RunStore, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await store.call(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

const POLICIES = ["no", "always", "unless-stopped", "on-failure"];

/** One of each policy, named after it. */
async function runAll(store: RunStore): Promise<void> {
  for (const policy of POLICIES) {
    const flags = ["--name", policy, "--restart", policy];
    await ok(store, "run", "-d", ...flags, IMAGE, "sleep", "1000");
  }
}

/** Names of the containers that run, in order. */
async function running(store: RunStore): Promise<readonly string[]> {
  return sorted(await ok(store, "ps", "--format", "{{.Names}}"));
}

const sorted = (text: string): readonly string[] =>
  text.split("\n").filter((line) => line !== "").sort();

/** Names of those that it says it has started. */
const start = async (store: RunStore) =>
  sorted(await ok(store, "system", "start"));

async function withStore(
  body: (store: RunStore) => Promise<void>,
): Promise<void> {
  await using store = await openRunStore();
  try {
    await body(store);
  } finally {
    const ids = (await ok(store, "ps", "-aq")).split("\n");
    await store.call(["rm", "-f", ...ids]);
  }
  assertEquals(await store.leftovers(), []);
}

const ignore = Deno.uid() !== 0;

Deno.test({
  name: "system start leaves alone what the user stopped, but for always",
  ignore,
  fn: () =>
    withStore(async (store) => {
      await runAll(store);
      // What runs is not started a second time.
      assertEquals(await start(store), []);
      await ok(store, "stop", "-t", "0", ...POLICIES);
      assertEquals(await running(store), []);
      assertEquals(await start(store), ["always"]);
      assertEquals(await running(store), ["always"]);
      assertEquals(await start(store), []);
    }),
});

Deno.test({
  name: "system start starts after a reboot whatever has a policy",
  ignore,
  fn: () =>
    withStore(async (store) => {
      await runAll(store);
      await switchOff(store);
      const revived = ["always", "on-failure", "unless-stopped"];
      assertEquals(await start(store), revived);
      assertEquals(await running(store), revived);
      const shown = "{{.State.Status}} {{.State.ExitCode}} " +
        "{{.State.ExitCodeGuessed}}";
      const state = await ok(store, "inspect", "--format", shown, "no");
      assertEquals(state, "exited 137 true");
      assertEquals(await start(store), []);
    }),
});

Deno.test({
  name: "system start remembers over a reboot what the user stopped",
  ignore,
  fn: () =>
    withStore(async (store) => {
      await runAll(store);
      await ok(store, "stop", "-t", "0", ...POLICIES);
      await switchOff(store);
      assertEquals(await start(store), ["always"]);
      // Who starts it himself wants it to run again.
      await ok(store, "start", "unless-stopped", "on-failure");
      await switchOff(store);
      const revived = ["always", "on-failure", "unless-stopped"];
      assertEquals(await start(store), revived);
      assertEquals(await running(store), revived);
    }),
});

Deno.test({
  name: "system start leaves alone what ended by itself or never ran",
  ignore,
  fn: () =>
    withStore(async (store) => {
      const make = (verb: string[], name: string, policy: string) => [
        ...verb,
        ...["--name", name, "--restart", policy, IMAGE, "sh", "-c"],
      ];
      await ok(store, ...make(["create"], "new", "always"), "sleep 1000");
      const background = ["run", "-d"];
      await ok(store, ...make(background, "done", "on-failure"), "exit 0");
      await ok(store, ...make(background, "tried", "on-failure:1"), "exit 3");
      // Until the disk says so; memory is what a reboot forgets.
      const bundles = `${store.dir}/state/bundles`;
      await until(
        "all has ended for good",
        () => [...Deno.readDirSync(bundles)].length === 0,
      );
      await switchOff(store);
      assertEquals(await start(store), []);
      assertEquals(await running(store), []);
    }),
});

Deno.test({
  name: "system start goes on after what it can't start",
  ignore,
  fn: () =>
    withStore(async (store) => {
      const gone = `${store.dir}/gone`;
      await Deno.mkdir(gone);
      const policy = ["--restart", "always"];
      const mount = ["--mount", `type=bind,src=${gone},dst=/gone`];
      for (const [name, ...flags] of [["bad", ...mount], ["good"]]) {
        const all = ["--name", String(name), ...policy, ...flags];
        await ok(store, "run", "-d", ...all, IMAGE, "sleep", "1000");
      }
      await switchOff(store);
      await Deno.remove(gone);
      const { code, stdout, stderr } = await store.call(["system", "start"]);
      assertEquals([code, stdout], [1, "good\n"]);
      assertEquals(stderr.includes(`Cannot start container "bad"`), true);
      assertEquals(await running(store), ["good"]);
    }),
});
