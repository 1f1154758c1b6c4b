import { assertEquals } from "@std/assert";
import { assertCode } from "../core/testing/assert.ts";
import { fakeDigest } from "../core/testing/fixtures.ts";
import { contentKeeper, giveContentTo } from "./choose_content.ts";

type Records = Parameters<typeof giveContentTo>[2]["contentRecords"];

/** @param digests of the store's records */
async function withStore(
  digests: readonly string[],
  use: (root: string, give: (name: string) => void) => unknown,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "coracle-content-" });
  const walkAll = () => digests.map((digest) => ({ digest }));
  const contentRecords = { walkAll } as unknown as Records;
  try {
    const paths = { root, state: `${root}/state` };
    await use(root, (name) => giveContentTo(name, paths, { contentRecords }));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("giveContentTo() notes the program that keeps the content", async () => {
  await withStore([], (root, give) => {
    assertEquals(contentKeeper({ root }), undefined);
    give("blobs");
    give("blobs");
    assertEquals(contentKeeper({ root }), "blobs");
  });
});

Deno.test("giveContentTo() refuses what another program keeps", async () => {
  await withStore([], async (root, give) => {
    give("blobs");
    const { message, hint } = await assertCode(
      "failedPrecondition",
      () => give("other"),
    );
    assertEquals(
      message,
      `Cannot keep content in "other": the program "blobs" keeps that of ` +
        `"${root}"`,
    );
    assertEquals(
      hint,
      "Call it [proxy_plugins.blobs] in the configuration, as before. If " +
        `"other" has what that one had, write its name into ` +
        `"${root}/content/kept-elsewhere"`,
    );
    assertEquals(contentKeeper({ root }), "blobs");
  });
});

Deno.test("giveContentTo() refuses a store with content of its own", async () => {
  await withStore([fakeDigest(1)], async (root, give) => {
    await assertCode("failedPrecondition", () => give("blobs"));
    assertEquals(contentKeeper({ root }), undefined);
  });
});
