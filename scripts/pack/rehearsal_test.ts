import { assert, assertEquals } from "@std/assert";
import { bundleEntry } from "./bundle.ts";
import { codeCaches, hideFlags, rehearsedCaches } from "./code_cache.ts";
import { groupParts } from "./groups.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

Deno.test({
  name: "rehearsedCaches() has what a start of the daemon calls, and no more",
  // Nobody else can start a daemon that stays the same process.
  ignore: Deno.uid() !== 0,
  async fn() {
    const { Script } = await import("node:vm");
    const soon = [["src/app/daemon/serve.ts"]];
    const bundle = await bundleEntry(
      "daemon",
      { source: "src/app/daemon.ts", soon, functions: "start" },
      { deno: Deno.execPath(), root: ROOT },
    );
    const { groups, rest, places } = groupParts("daemon", bundle);
    const scripts = [...groups, ...rest]
      .filter(({ name }) => name.endsWith(".js"));
    const command = [Deno.execPath(), "run", "-A", "--no-config"];
    const all = await codeCaches(command, scripts, "all");
    const play = { main: bundle.main, scripts, places };
    const flags = "--v8-flags=--min-semi-space-size=4";
    const started = await rehearsedCaches(Deno.execPath(), flags, play);
    let [bytes, bytesOfAll] = [0, 0];
    for (const { name, text } of scripts) {
      const cachedData = started.get(name);
      const whole = all.get(name);
      if (cachedData === undefined || whole === undefined) continue;
      hideFlags(cachedData, whole);
      const script = new Script(text, { cachedData });
      assertEquals(script.cachedDataRejected, false, name);
      bytes += cachedData.length;
      bytesOfAll += whole.length;
    }
    const loaded = [...started.keys()].join(" ");
    for (const script of ["group-0", "open_store-", "containers-"]) {
      assert(loaded.includes(`daemon/${script}`), `${script}: ${loaded}`);
    }
    assert(started.size < scripts.length, "others are not loaded");
    assert(bytes < 0.7 * bytesOfAll, `${bytes} of ${bytesOfAll} bytes`);
  },
});
