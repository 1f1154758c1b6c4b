import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseElf } from "./elf.ts";
import { BASE, prelink } from "./prelink.ts";

const ET_EXEC = 2;

/** What Linux says about memory of the process, in bytes. */
async function privateBytes(path: string): Promise<number> {
  const script = `const text = Deno.readTextFileSync("/proc/self/smaps");
    let total = 0;
    let isOurs = false;
    for (const line of text.split("\\n")) {
      if (/^[0-9a-f]+-/.test(line)) isOurs = line.endsWith(Deno.execPath());
      const size = /^Private_Dirty: +([0-9]+) kB/.exec(line);
      if (isOurs && size !== null) total += Number(size[1]) * 1024;
    }
    console.log(total);`;
  const { code, stdout, stderr } = await new Deno.Command(path, {
    args: ["eval", "--no-lock", script],
  }).output();
  const text = new TextDecoder();
  assertEquals(code, 0, text.decode(stderr));
  return Number(text.decode(stdout));
}

Deno.test("prelink() makes a file that runs with fewer pages of its own", async () => {
  const bytes = await Deno.readFile(Deno.execPath());
  prelink(bytes, parseElf(bytes));
  assertEquals(new DataView(bytes.buffer).getUint16(16, true), ET_EXEC);
  const path = await Deno.makeTempFile({ prefix: "coracle-prelinked-" });
  try {
    await Deno.writeFile(path, bytes, { mode: 0o755 });
    await Deno.chmod(path, 0o755);
    const before = await privateBytes(Deno.execPath());
    const after = await privateBytes(path);
    assert(after < before / 2, `${before} bytes before, ${after} after`);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("prelink() moves what the headers name by the base", async () => {
  const bytes = await Deno.readFile(Deno.execPath());
  const before = parseElf(bytes.slice());
  const phdrs = Number(new DataView(bytes.buffer).getBigUint64(32, true));
  const firstAddress = () =>
    new DataView(bytes.buffer).getBigUint64(phdrs + 16, true);
  const first = firstAddress();
  prelink(bytes, before);
  assertEquals(firstAddress(), first + BASE);
  const entry = new DataView(bytes.buffer).getBigUint64(24, true);
  assertEquals(entry, before.entry + BASE);
});

Deno.test("prelink() refuses a file when it is not linked dynamically", async () => {
  const bytes = await Deno.readFile(Deno.execPath());
  const image = parseElf(bytes);
  const segments = image.segments.filter(({ kind }) => kind === "load");
  assertThrows(
    () => prelink(bytes, { ...image, segments }),
    Error,
    "statically",
  );
});
