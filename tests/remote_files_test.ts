/** cp, export and diff through a daemon's socket: ours, and containerd's. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  REMOTE_IMAGE,
  REMOTE_SERVERS,
  type RemoteStore,
} from "./support/remote_store.ts";

for (const { name, ignore, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `coracle --address reaches the files of containers of ${name}`,
    ignore,
    fn: async (t) => {
      await using store = await open();
      const script = "mkdir /made; echo one >/made/one; rm /bin/true; sleep 99";
      await store.ok(
        ...["run", "-d", "--name", "web", REMOTE_IMAGE, "sh", "-c", script],
      );
      await t.step("cp of a running one goes both ways", () => copies(store));
      await store.ok("stop", "-t", "0", "web");
      await t.step("cp of a stopped one goes both ways", () => copies(store));
      await t.step("what is copied is there when it is started", async () => {
        await store.ok("start", "web");
        assertEquals(await store.ok("exec", "web", "cat", "/made/in"), "in\n");
      });
      await t.step("diff tells what it has changed", async () => {
        const changes = (await store.ok("diff", "web")).trim().split("\n");
        for (const change of ["A /made", "A /made/one", "D /bin/true"]) {
          assertEquals(changes.includes(change), true, changes.join());
        }
        assertEquals(changes.some((line) => line.endsWith("/bin/sh")), false);
      });
      await t.step("export has all its files", async () => {
        await store.ok("export", "-o", `${store.dir}/web.tar`, "web");
        const { stdout } = await new Deno.Command("tar", {
          args: ["-xOf", `${store.dir}/web.tar`, "made/one"],
        }).output();
        assertEquals(new TextDecoder().decode(stdout), "one\n");
      });
      await t.step("commit makes an image of just that", async () => {
        await store.ok("commit", "web", "local/made:1");
        const run = ["run", "--rm", "local/made:1"];
        assertEquals(await store.ok(...run, "cat", "/made/one"), "one\n");
        await store.ok("create", "--name", "same", "local/made:1", "true");
        assertEquals(await store.ok("diff", "same"), "");
        await store.ok("save", "-o", `${store.dir}/made.tar`, "local/made:1");
        const names = await compressedLayers(`${store.dir}/made.tar`);
        assertEquals(names.includes("made/one"), true, names.join());
        assertEquals(names.some((name) => name.includes("hosts")), false);
      });
      await store.ok("rm", "-f", "web", "same");
      await t.step(
        "cp of what is not there is refused",
        async () => {
          const { code, stderr } = await store.call(
            ["cp", "none:/etc/passwd", "-"],
          );
          assertEquals(code, 1);
          assertStringIncludes(stderr, "none");
        },
      );
      assertEquals(await mountsOf(store), []);
    },
  });
}

async function copies({ dir, ok }: RemoteStore): Promise<void> {
  await Deno.writeTextFile(`${dir}/in`, "in\n");
  await ok("cp", `${dir}/in`, "web:/made/in");
  await ok("cp", "web:/made", `${dir}/out`);
  assertEquals(await Deno.readTextFile(`${dir}/out/in`), "in\n");
  assertEquals(await Deno.readTextFile(`${dir}/out/one`), "one\n");
  await Deno.remove(`${dir}/out`, { recursive: true });
}

/** In this process's tree of files. */
async function mountsOf(
  { dir, address }: RemoteStore,
): Promise<readonly string[]> {
  const theirs = address.slice(0, address.lastIndexOf("/"));
  const text = await Deno.readTextFile("/proc/self/mountinfo");
  return text.split("\n")
    .filter((line) => line.includes(dir) || line.includes(theirs));
}

/** What those of its layers have that are compressed: the added one. */
async function compressedLayers(path: string): Promise<readonly string[]> {
  const script = `d=$(mktemp -d); tar -C $d -xf "$1"; ` +
    `ls -S $d/blobs/sha256/* | while read f; do tar -tzf $f 2>/dev/null; done;` +
    `rm -r $d`;
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", script, "sh", path],
  }).output();
  return new TextDecoder().decode(stdout).split("\n");
}
