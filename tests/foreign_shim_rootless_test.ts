/**
 * Debian's shim of containerd for an ordinary user: the executable, because
 * what it starts again must not need a developer's files.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeUser, run, succeed } from "./rootless_support.ts";
import { RUNTIME, SHIM } from "./support/foreign_shims.ts";
import { writeBusyboxRoot } from "./support/run_image.ts";
import { buildExecutable } from "./support/executable.ts";

const UNTIL_TERM = "trap 'exit 7' TERM; sleep 100000 & wait";

function canTry(): boolean {
  try {
    // Where there is none, only an administrator can make it.
    return Deno.uid() === 0 && Deno.statSync(SHIM).isFile &&
      Deno.statSync("/run/containerd").isDirectory;
  } catch {
    return false;
  }
}

async function writeRootArchive(path: string): Promise<void> {
  const root = await Deno.makeTempDir();
  writeBusyboxRoot(root);
  await succeed(["tar", "-C", root, "-cf", path, "."]);
  await Deno.chmod(path, 0o644);
  await Deno.remove(root, { recursive: true });
}

Deno.test({
  name: "containerd's own shim keeps an ordinary user's containers",
  ignore: !canTry(),
  fn: async () => {
    await using user = await makeUser("ranges");
    await writeRootArchive(`${user.home}/root.tar`);
    await using executable = await buildExecutable();
    const program = executable.path;
    const call = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await run(
        user.command([program, ...args]),
      );
      assertEquals(code, 0, stderr);
      return stdout;
    };
    await call("import", `${user.home}/root.tar`, "busybox");
    const runtime = ["--runtime", RUNTIME];
    assertEquals(
      await call("run", "--rm", ...runtime, "busybox", "echo", "aye"),
      "aye\n",
    );
    await call(
      ...["run", "--detach", "--log-driver", "none", "--name", "bg"],
      ...[...runtime, "busybox", "sh", "-c", UNTIL_TERM],
    );
    assertStringIncludes(await call("ps"), "Up ");
    await call("rm", "--force", "bg");
    assertEquals((await call("ps", "--all")).trim().split("\n").length, 1);
  },
});
