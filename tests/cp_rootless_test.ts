/**
 * `coracle cp` of an ordinary user: the executable, because what it starts
 * again must not need a developer's files.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeUser, run } from "./rootless_support.ts";
import { buildExecutable } from "./support/executable.ts";
import { writeRootArchive } from "./support/import_busybox.ts";

for (const ids of ["ranges", "single"] as const) {
  Deno.test({
    name: `coracle cp as an ordinary user with ids: ${ids}`,
    ignore: Deno.uid() !== 0,
    fn: async (t) => {
      await using executable = await buildExecutable();
      await using user = await makeUser(ids);
      await writeRootArchive(`${user.home}/root.tar`);
      const call = (...args: string[]) =>
        run(user.command([executable.path, ...args]), { cwd: user.home });
      const shell = (script: string) =>
        run(user.command(["sh", "-c", script]), { cwd: user.home });
      const ok = async (...args: string[]) => {
        const { code, stdout, stderr } = await call(...args);
        assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
        return stdout.trim();
      };
      await ok("import", "root.tar", "busybox");
      await ok("run", "-d", "--name", "web", "busybox", "sleep", "1000");
      await shell("mkdir -p tree/sub out; echo cargo >tree/sub/x");

      await t.step("files copied in are root's, also by -a", async () => {
        await ok("cp", "tree", "web:/tmp");
        await ok("cp", "-a", "tree", "web:/data");
        const stat = ["stat", "-c", "%u:%g", "/tmp/tree/sub/x", "/data/tree"];
        assertEquals(await ok("exec", "web", ...stat), "0:0\n0:0");
      });

      await t.step("files copied out are the user's", async () => {
        await ok("cp", "web:/tmp/tree", "out");
        await ok("cp", "web:/data", "out");
        const { uid } = await Deno.stat(`${user.home}/out/tree/sub/x`);
        assertEquals(uid, user.uid);
        assertEquals((await Deno.stat(`${user.home}/out/data`)).uid, user.uid);
        const removed = await shell("rm -r out; mkdir out");
        assertEquals(removed, { code: 0, stdout: "", stderr: "" });
      });

      await t.step("-a keeps the owners that there are", async () => {
        // In the image it is 1000:1001's, where there is such a user.
        await ok("cp", "-a", "web:/data/cargo", "out");
        const { uid } = await Deno.stat(`${user.home}/out/cargo`);
        assertEquals(uid === user.uid, ids === "single");
        const tar = await call("cp", "web:/data/cargo", "-");
        assertStringIncludes(tar.stdout, ids === "single" ? "0000000" : "1750");
      });

      await t.step("what the user may not read stays unread", async () => {
        const { code, stderr } = await call("cp", "/etc/shadow", "web:/tmp");
        assertEquals(code, 1);
        assertStringIncludes(stderr, "/etc/shadow");
        const write = await call("cp", "web:/etc/passwd", "/etc/coracle-test");
        assertEquals(write.code, 1);
      });

      await t.step("diff, commit and export see it all", async () => {
        const lines = (await ok("diff", "web")).split("\n");
        assertEquals(lines.includes("A /tmp/tree/sub/x"), true);
        await ok("commit", "web", "kept");
        const cat = ["run", "--rm", "kept", "cat", "/tmp/tree/sub/x"];
        assertEquals(await ok(...cat), "cargo");
        await ok("export", "-o", "export.tar", "web");
        const { stdout } = await shell("tar tf export.tar");
        assertStringIncludes(stdout, "tmp/tree/sub/x");
      });

      await t.step("it works on a stopped container, too", async () => {
        await ok("stop", "-t", "0", "web");
        await ok("cp", "tree/sub/x", "web:/tmp/stopped");
        await ok("cp", "web:/tmp/stopped", "out/back");
        const { uid } = await Deno.stat(`${user.home}/out/back`);
        assertEquals(uid, user.uid);
        await ok("rm", "web");
      });
    },
  });
}
