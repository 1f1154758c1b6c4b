import { assert, assertEquals } from "@std/assert";
import { codeCaches } from "./code_cache.ts";

const PARTS = [
  {
    name: "a.js",
    text: "(function(x){function later(){return x+1}return later})",
  },
  { name: "b.js", text: "(function(x){return()=>x+'é'})" },
];

Deno.test("codeCaches() makes what V8 takes for compiled", async () => {
  const { Script } = await import("node:vm");
  const command = [Deno.execPath(), "run", "-A", "--no-config"];
  const first = await codeCaches(command, PARTS, "first");
  const all = await codeCaches(command, PARTS, "all");
  for (const { name, text } of PARTS) {
    for (const caches of [first, all]) {
      const cachedData = caches.get(name);
      assert(cachedData !== undefined && cachedData.length % 8 === 0, name);
      const script = new Script(text, { cachedData });
      assertEquals(script.cachedDataRejected, false, name);
    }
    const [small = 0, large = 0] = [first, all]
      .map((caches) => caches.get(name)?.length);
    assert(small < large, `${name}: ${small} bytes, with all of it ${large}`);
  }
});
