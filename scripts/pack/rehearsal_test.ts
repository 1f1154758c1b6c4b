import { assert, assertEquals } from "@std/assert";
import { ENTRIES } from "../build.ts";
import { bundleEntry, type Entry } from "./bundle.ts";
import { codeCaches, hideFlags, rehearsedCaches } from "./code_cache.ts";
import { groupParts } from "./groups.ts";
import type { Scene } from "./rehearsal.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const FLAGS = "--v8-flags=--min-semi-space-size=4";

/** Of each, scripts that are loaded, by the beginnings of their names. */
const SCENES: readonly {
  readonly scene: Scene;
  readonly name: string;
  readonly entry: Entry | undefined;
  readonly loaded: readonly string[];
}[] = [{
  scene: "daemon",
  name: "daemon",
  entry: ENTRIES["daemon"],
  loaded: ["group-0", "group-1", "containers-"],
}, {
  scene: "commands",
  name: "cli",
  entry: ENTRIES["cli"],
  loaded: ["group-0", "group-1", "group-2", "ps-", "logs-"],
}];

for (const { scene, name, entry, loaded } of SCENES) {
  Deno.test({
    name: `rehearsedCaches() has what the ${scene} call, and no more`,
    // Nobody else can play them in the same process.
    ignore: Deno.uid() !== 0,
    async fn() {
      assert(entry !== undefined);
      assertEquals(entry.functions, scene);
      const { Script } = await import("node:vm");
      const bundle = await bundleEntry(
        name,
        entry,
        { deno: Deno.execPath(), root: ROOT },
      );
      const { groups, rest, places } = groupParts(name, bundle);
      const scripts = [...groups, ...rest]
        .filter(({ name }) => name.endsWith(".js"));
      const command = [Deno.execPath(), "run", "-A", "--no-config"];
      const all = await codeCaches(command, scripts, "all");
      const play = { main: bundle.main, scripts, places };
      const called = await rehearsedCaches(
        Deno.execPath(),
        FLAGS,
        scene,
        play,
      );
      let [bytes, bytesOfAll] = [0, 0];
      for (const { name, text } of scripts) {
        const cachedData = called.get(name);
        const whole = all.get(name);
        if (cachedData === undefined || whole === undefined) continue;
        hideFlags(cachedData, whole);
        const script = new Script(text, { cachedData });
        assertEquals(script.cachedDataRejected, false, name);
        bytes += cachedData.length;
        bytesOfAll += whole.length;
      }
      const names = [...called.keys()].join(" ");
      for (const script of loaded) {
        assert(names.includes(`${name}/${script}`), `${script}: ${names}`);
      }
      assert(called.size < scripts.length, "others are not loaded");
      assert(bytes < 0.7 * bytesOfAll, `${bytes} of ${bytesOfAll} bytes`);
      await until(() => left().length === 0);
      assertEquals(left(), []);
    },
  });
}

/** Somebody else may be building just now. */
async function until(isSo: () => boolean): Promise<void> {
  for (let waited = 0; !isSo() && waited < 10_000; waited += 100) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Of rehearsals: mounts and cgroups. */
function left(): readonly string[] {
  const mounts = Deno.readTextFileSync("/proc/self/mountinfo").split("\n")
    .filter((line) => line.includes("/coracle-rehearsal-"));
  const groups = [...Deno.readDirSync("/sys/fs/cgroup")]
    .flatMap(({ name }) => groupsBelow(`/sys/fs/cgroup/${name}/coracle`));
  return [...mounts, ...groupsBelow("/sys/fs/cgroup/coracle"), ...groups];
}

function groupsBelow(parent: string): readonly string[] {
  try {
    return [...Deno.readDirSync(parent)].map(({ name }) => name)
      .filter((name) => name.startsWith("rehearsal-"));
  } catch {
    return [];
  }
}
