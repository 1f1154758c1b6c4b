/**
 * Containers of an ordinary user, seen from several logins: the executable,
 * because what it starts again must not need a developer's files.
 */

import { assertEquals } from "@std/assert";
import { makeUser, run, succeed } from "./rootless_support.ts";
import { writeBusyboxRoot } from "./support/run_image.ts";
import { buildExecutable } from "./support/executable.ts";

Deno.test({
  name: "containers of an ordinary user are the same in every login",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using user = await makeUser("ranges");
    await writeRootArchive(`${user.home}/root.tar`);
    await using executable = await buildExecutable();
    const program = executable.path;
    const call = (...args: string[]) => run(user.command([program, ...args]));
    const elsewhere = (...args: string[]) =>
      run(user.command([program, ...args], {
        XDG_RUNTIME_DIR: `${user.home}/other`,
      }));
    const none = (...args: string[]) =>
      run(user.command([program, ...args], { XDG_RUNTIME_DIR: "" }));
    const ok = async (made: ReturnType<typeof run>) => {
      const { code, stdout, stderr } = await made;
      assertEquals(code, 0, stderr);
      return stdout.trim();
    };
    await ok(call("import", `${user.home}/root.tar`, "busybox"));

    await t.step("create here, start there", async () => {
      await ok(call("create", "--name", "web", "busybox", "id", "-u"));
      assertEquals(await ok(elsewhere("start", "-a", "web")), "0");
      const state = ["inspect", "--format", "{{.State.Status}}", "web"];
      assertEquals(await ok(none(...state)), "exited");
      assertEquals(await ok(none("rm", "web")), "web");
    });

    await t.step("exec runs in it from every login", async () => {
      await ok(call("run", "-d", "--name", "web", "busybox", "sleep", "1000"));
      for (const login of [call, elsewhere, none]) {
        assertEquals(await ok(login("exec", "web", "id", "-u")), "0");
        const asUser = ["exec", "--user", "1000", "web", "id", "-u"];
        assertEquals(await ok(login(...asUser)), "1000");
        const { code, stderr } = await login("exec", "web", "nosuch");
        assertEquals([code, stderr.match(/nosuch/g)?.length], [127, 1]);
        assertEquals((await login("exec", "web", "/etc")).code, 126);
      }
      await ok(none("rm", "-f", "web"));
    });

    await t.step("volumes go with what others of its users wrote", async () => {
      await ok(none("volume", "create", "hold"));
      const inside = (user: string, script: string) =>
        call(
          ...["run", "--rm", "--user", user, "-v", "hold:/h", "busybox"],
          ...["sh", "-c", script],
        );
      await ok(inside("0", "chmod 777 /h"));
      await ok(inside("1000", "echo > /h/theirs"));
      assertEquals(await ok(none("volume", "rm", "hold")), "hold");
    });

    await t.step("what runs here is left alone there", async () => {
      const child = run(user.command([
        ...[program, "run", "--name", "web", "busybox"],
        ...["sh", "-c", "sleep 2; exit 7"],
      ]));
      for (const other of [elsewhere, none, elsewhere, none]) {
        await ok(other("ps", "-a"));
      }
      assertEquals((await child).code, 7);
      await ok(elsewhere("rm", "web"));
    });
  },
});

async function writeRootArchive(path: string): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    writeBusyboxRoot(root);
    await succeed(["tar", "--numeric-owner", "-cf", path, "-C", root, "."]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
