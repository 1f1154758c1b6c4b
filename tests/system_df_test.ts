/** What `system df` and `system prune` say of unfinished downloads. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { randomBytes } from "../src/core/testing/content.ts";
import { background } from "../src/base/context.ts";
import { openTestStore } from "./support/coracle.ts";
import { openTestStore as openStoreAt } from "./store/open.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** 2000 bytes of something, last written at `at`. */
async function leaveDownload(root: string, at: Date): Promise<void> {
  await using store = await openStoreAt({ root });
  await using writer = await store.content.writer(background(), "layer");
  await writer.write(randomBytes(2000));
  const ingests = `${root}/content/ingest`;
  for await (const { name } of Deno.readDir(ingests)) {
    await Deno.utime(`${ingests}/${name}/data`, at, at);
  }
}

Deno.test({
  name: "coracle system df and prune know of unfinished downloads",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openTestStore();
    await store.ok("images");
    const shown = async () =>
      (await store.ok("system", "df")).split("\n")
        .find((line) => line.startsWith("Unfinished Downloads"))
        ?.split(/\s{2,}/).slice(1);
    const prune = () => store.ok("system", "prune", "--force");

    await t.step("a young one stays", async () => {
      await leaveDownload(`${store.dir}/root`, new Date());
      assertEquals(await shown(), ["1", "1", "2kB", "0B (0%)"]);
      assertEquals(await prune(), "Total reclaimed space: 0B\n");
      assertEquals(await shown(), ["1", "1", "2kB", "0B (0%)"]);
    });

    await t.step("a young one is dropped if all is to go", async () => {
      const said = await store.ok("system", "prune", "--all", "--force");
      assertStringIncludes(said, "Dropped Unfinished Downloads: 1\n");
      assertEquals(await shown(), ["0", "0", "0B", "0B"]);
      await leaveDownload(`${store.dir}/root`, new Date());
    });

    await t.step("an old one is dropped", async () => {
      const old = new Date(Date.now() - 2 * DAY_MS);
      await leaveDownload(`${store.dir}/root`, old);
      assertEquals(await shown(), ["1", "0", "4kB", "4kB (100%)"]);
      const said = await prune();
      assertStringIncludes(said, "Dropped Unfinished Downloads: 1\n");
      assertStringIncludes(said, "Total reclaimed space: 4kB\n");
      assertEquals(await shown(), ["0", "0", "0B", "0B"]);
    });
  },
});
