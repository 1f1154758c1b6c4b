/** What `ps` shows, in docker's words. */

import { assertEquals, assertMatch } from "@std/assert";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";

async function ok(store: RunStore, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await store.call(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

Deno.test({
  name: "coracle ps shows a container as docker does",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    const label = "com.example.the-role=mate";
    const script = 'echo "a b"';
    await ok(
      store,
      ...["create", "--name", "web", "--label", label],
      ...[IMAGE, "sh", "-c", script],
    );
    const show = (format: string, ...flags: string[]) =>
      ok(store, "ps", "-a", ...flags, "--format", format);

    await t.step("the image as the user wrote it", async () => {
      assertEquals(await show("{{.Image}}"), IMAGE);
    });

    await t.step("its command in quotes, theirs escaped", async () => {
      const whole = String.raw`"sh -c 'echo \"a b\"'"`;
      assertEquals(await show("{{.Command}}", "--no-trunc"), whole);
      assertEquals(await show("{{.Command}}"), whole);
    });

    await t.step("one label, by its key", async () => {
      assertEquals(await show('{{.Label "com.example.the-role"}}'), "mate");
      assertEquals(await show('<{{.Label "none"}}>'), "<>");
      assertMatch(
        await show('table {{.Names}}\\t{{.Label "com.example.the-role"}}'),
        /^NAMES +the role\nweb +mate$/,
      );
      assertEquals("Label" in JSON.parse(await show("json")), false);
    });

    await t.step("the size when the format asks for it", async () => {
      assertMatch(await show("{{.Size}}"), /^[\d.]+k?B$/);
    });

    await t.step("chosen by the id of its image", async () => {
      const id = await ok(store, "images", "--quiet", IMAGE);
      const chosen = (filter: string) =>
        show("{{.Names}}", "--filter", `ancestor=${filter}`);
      assertEquals(await chosen(id), "web");
      assertEquals(await chosen(`sha256:${id}`), "web");
      assertEquals(await chosen("0000"), "");
    });

    await t.step("rename calls a name a name", async () => {
      const { code, stderr } = await store.call(["rename", "web", "a b"]);
      assertEquals(code, 1);
      assertMatch(stderr, /container name "a b"/);
    });

    await ok(store, "rm", "web");
    assertEquals(await store.leftovers(), []);
  },
});
