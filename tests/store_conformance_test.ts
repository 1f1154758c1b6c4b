import { contentStoreSuite } from "../src/core/testing/content.ts";
import { openTestStore } from "./store/open.ts";

Deno.test("createContentStore() makes a content store", async (t) => {
  await contentStoreSuite(t, () => openTestStore());
});
