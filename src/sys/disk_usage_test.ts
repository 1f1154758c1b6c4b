import { assertEquals, assertRejects } from "@std/assert";
import { diskUsage } from "./disk_usage.ts";

const MAKE = `
mkdir -p tree/dir
head -c 100000 /dev/zero > tree/dir/big
ln tree/dir/big tree/link
truncate -s 1G tree/hole
ln -s / tree/root
python3 -c 'open(b"tree/\\xff", "w")'
du --block-size=1 -s tree | cut -f1
`;

Deno.test({
  name: "diskUsage() agrees with du about links, holes and odd names",
  // The symbols of libc that the walk opens stay open.
  sanitizeResources: false,
  fn: async () => {
    const cwd = await Deno.makeTempDir();
    try {
      const { stdout } = await new Deno.Command("sh", {
        args: ["-ec", MAKE],
        cwd,
      }).output();
      assertEquals(await diskUsage(`${cwd}/tree`), {
        inodes: 6,
        sizeBytes: Number(new TextDecoder().decode(stdout)),
      });
      assertEquals((await diskUsage(`${cwd}/none`)).inodes, 0);
    } finally {
      await Deno.remove(cwd, { recursive: true });
    }
  },
});

Deno.test({
  name: "diskUsage() ends when its signal fires",
  sanitizeResources: false,
  fn: async () => {
    const signal = AbortSignal.abort(new DOMException("enough", "AbortError"));
    await assertRejects(() => diskUsage("/usr", signal), DOMException);
  },
});
