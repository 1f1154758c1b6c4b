import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../base/errors.ts";
import { writeWholeFile } from "./whole_file.ts";

const bytes = (text: string) =>
  new Response(text).body ?? new ReadableStream<Uint8Array>();

async function inDirectory(use: (dir: string) => Promise<void>) {
  const dir = await Deno.makeTempDir();
  try {
    await use(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const names = (dir: string) => [...Deno.readDirSync(dir)].map((it) => it.name);

Deno.test("writeWholeFile() replaces a file, also behind a link", () =>
  inDirectory(async (dir) => {
    await writeWholeFile(`${dir}/a`, bytes("one"));
    await Deno.symlink("a", `${dir}/link`);
    await writeWholeFile(`${dir}/link`, bytes("two"), 0o600);
    assertEquals(await Deno.readTextFile(`${dir}/a`), "two");
    assertEquals(((await Deno.stat(`${dir}/a`)).mode ?? 0) & 0o777, 0o600);
    assertEquals((await Deno.lstat(`${dir}/link`)).isSymlink, true);
  }));

Deno.test("writeWholeFile() leaves what was there when it fails", () =>
  inDirectory(async (dir) => {
    await Deno.writeTextFile(`${dir}/a`, "one");
    const failing = (async function* () {
      yield new TextEncoder().encode("tw");
      await Promise.reject(new Error("enough"));
    })();
    await assertRejects(() => writeWholeFile(`${dir}/a`, failing));
    assertEquals(await Deno.readTextFile(`${dir}/a`), "one");
    assertEquals(names(dir), ["a"]);
  }));

Deno.test("writeWholeFile() writes to what is no file, and leaves it", () =>
  inDirectory(async (dir) => {
    const mkfifo = new Deno.Command("mkfifo", { args: [`${dir}/pipe`] });
    assertEquals((await mkfifo.output()).code, 0);
    const reader = Deno.readTextFile(`${dir}/pipe`);
    await writeWholeFile(`${dir}/pipe`, bytes("told"));
    assertEquals(await reader, "told");
    assertEquals((await Deno.stat(`${dir}/pipe`)).isFifo, true);
    // Only a link: should it be replaced, the machine's own stays.
    await Deno.symlink("/dev/null", `${dir}/null`);
    await writeWholeFile(`${dir}/null`, bytes("gone"));
    assertEquals((await Deno.stat(`${dir}/null`)).isCharDevice, true);
    assertEquals(names(dir).sort(), ["null", "pipe"]);
  }));

Deno.test("writeWholeFile() refuses where there can't be a file", () =>
  inDirectory(async (dir) => {
    for (const path of [dir, `${dir}/none/a`]) {
      await assertRejects(() => writeWholeFile(path, bytes("x")), EngineError);
    }
    assertEquals(names(dir), []);
  }));
