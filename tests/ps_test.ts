/** What `ps` shows, in docker's words. */

import { assertEquals, assertMatch } from "@std/assert";
import {
  IMAGE,
  IMAGE_WITH_CONFIG,
  openRunStore,
  type RunStore,
} from "./support/run_store.ts";

/** What it wrote, and that with its image. */
const SIZE = /^[\d.]+k?B \(virtual [\d.]+[kM]B\)$/;

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
      assertMatch(await show("{{.Size}}"), SIZE);
    });

    await t.step("chosen by the id of its image", async () => {
      const id = await ok(store, "images", "--quiet", IMAGE);
      const chosen = (filter: string) =>
        show("{{.Names}}", "--filter", `ancestor=${filter}`);
      assertEquals(await chosen(id), "web");
      assertEquals(await chosen(`sha256:${id}`), "web");
      assertEquals(await chosen("0000"), "");
    });

    await t.step("with -s its size, and that of all its layers", async () => {
      const [head = "", line = ""] = (await ok(store, "ps", "-as"))
        .split("\n");
      assertMatch(head, /NAMES +SIZE$/);
      assertMatch(line.slice(head.indexOf("SIZE")), SIZE);
      const format = "{{.SizeRw}} {{.SizeRootFs}}";
      for (const command of [["inspect"], ["container", "inspect"]]) {
        const shown = await ok(
          store,
          ...[...command, "--size", "--format", format, "web"],
        );
        const [written = 0, total = 0] = shown.split(" ").map(Number);
        const image = await ok(store, "inspect", "-f", "{{.Size}}", IMAGE);
        assertEquals(total - written, Number(image));
        assertEquals(written < total, true);
      }
      const [plain] = JSON.parse(await ok(store, "inspect", "web"));
      assertEquals("SizeRw" in plain, false);
    });

    await t.step("chosen by the ports that its image exposes", async () => {
      await ok(store, "create", "--name", "ports", IMAGE_WITH_CONFIG);
      const chosen = (...filters: string[]) =>
        show(
          "{{.Names}}",
          ...filters.flatMap((filter) => ["--filter", filter]),
        );
      for (const port of ["8080", "8080/tcp", "53/udp", "8000-9000"]) {
        assertEquals(await chosen(`expose=${port}`), "ports", port);
      }
      assertEquals(await chosen("expose=1", "expose=8080"), "ports");
      for (const port of ["53", "8080/udp", "8081-9000"]) {
        assertEquals(await chosen(`expose=${port}`), "", port);
      }
      // None is published, and there is no swarm whose task one might be.
      assertEquals(await chosen("publish=8080"), "");
      assertEquals(await chosen("is-task=true"), "");
      assertEquals(await chosen("is-task=false"), "ports\nweb");
      for (
        const wrong of [
          ...["expose=x", "publish=80:80", "publish=0-65536", "is-task=1"],
          ...["exited=x", "health=x", "status=x"],
        ]
      ) {
        const { code, stderr } = await store.call(["ps", "--filter", wrong]);
        assertEquals(code, 1, wrong);
        assertMatch(stderr, /^coracle: Cannot filter by .*\nhint: /);
      }
      const ports = "{{json .Config.ExposedPorts}}";
      assertEquals(
        JSON.parse(await ok(store, "inspect", "--format", ports, "ports")),
        { "8080/tcp": {}, "53/udp": {} },
      );
      await ok(store, "rm", "-v", "ports");
    });

    await t.step("counted by info, in docker's words", async () => {
      const counts = "{{.Containers}} {{.ContainersRunning}} " +
        "{{.ContainersPaused}} {{.ContainersStopped}}";
      assertEquals(await ok(store, "info", "--format", counts), "1 0 0 1");
      const more = "{{.CgroupVersion}} {{.LoggingDriver}} {{.DockerRootDir}}";
      assertMatch(
        await ok(store, "info", "--format", more),
        /^[12] json-file \/.*\/root$/,
      );
      const versions = "{{.Version}} {{.Client.Version}} {{.Server.Version}}";
      assertMatch(
        await ok(store, "version", "--format", versions),
        /^(\S+) \1 \1$/,
      );
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
