import { assert, assertEquals } from "@std/assert";
import { buildExecutable } from "./support/executable.ts";

const ENTER = 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"';

Deno.test("coracle works in a directory that has been deleted, and makes nothing there", async () => {
  await using executable = await buildExecutable();
  const dir = await Deno.makeTempDir({ prefix: "coracle-deleted-" });
  const there = async (...args: readonly string[]) => {
    const store = ["--root", `${dir}/root`, "--state", `${dir}/state`];
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", ENTER, `${dir}/gone`, executable.path, ...store, ...args],
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  };
  try {
    assertEquals(
      await there("import", "root.tar"),
      {
        code: 1,
        stdout: "",
        stderr: 'coracle: Cannot read "root.tar": no such file or directory\n',
      },
    );
    const { code, stdout } = await there("image", "ls", "-q");
    assertEquals([code, stdout], [0, ""]);
    await Deno.writeTextFile(`${dir}/file`, "");
    const packed = ["-C", dir, "-cf", `${dir}/root.tar`, "file"];
    assert((await new Deno.Command("tar", { args: packed }).output()).success);
    assertEquals((await there("import", `${dir}/root.tar`, "a:b")).code, 0);
    assertEquals((await there("save", "-o", "out.tar", "a:b")).code, 1);
    assertEquals((await there("save", "-o", `${dir}/out`, "a:b")).code, 0);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
