import { assertEquals } from "@std/assert";
import { writeWhole } from "./write_whole.ts";

Deno.test("writeWhole() takes the place of a link, and leaves one file", async () => {
  const directory = await Deno.makeTempDir({ prefix: "coracle-whole-" });
  try {
    const path = `${directory}/record.json`;
    await Deno.symlink("/dev/null", path);
    writeWhole(path, "first", 0o600);
    writeWhole(path, "second");
    assertEquals(await Deno.readTextFile(path), "second");
    assertEquals((await Deno.lstat(path)).isSymlink, false);
    assertEquals((await Array.fromAsync(Deno.readDir(directory))).length, 1);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("writeWhole() shows others nothing that is half written", async () => {
  const directory = await Deno.makeTempDir({ prefix: "coracle-whole-" });
  try {
    const path = `${directory}/record.json`;
    const text = JSON.stringify({ long: "x".repeat(100_000) });
    writeWhole(path, text);
    const module = new URL("write_whole.ts", import.meta.url);
    const script = `import { writeWhole } from "${module}";
      for (let n = 0; n < 300; n++) {
        writeWhole(${JSON.stringify(path)}, ${JSON.stringify(text)});
      }`;
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check"],
        `data:text/javascript,${encodeURIComponent(script)}`,
      ],
    }).spawn();
    const status = child.status;
    let isOver = false;
    void status.then(() => isOver = true);
    while (!isOver) {
      assertEquals((await Deno.readTextFile(path)).length, text.length);
    }
    assertEquals((await status).code, 0);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
