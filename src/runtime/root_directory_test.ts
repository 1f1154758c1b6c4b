import { assertEquals } from "@std/assert";
import { openRootDirectory } from "./root_directory.ts";

// The library that it loads stays loaded.
const sanitizeResources = false;

Deno.test(
  "resolve() follows links as a process in the root does, to what is not there, too",
  { sanitizeResources },
  async () => {
    const path = await Deno.makeTempDir();
    try {
      await Deno.mkdir(`${path}/usr/bin`, { recursive: true });
      await Deno.symlink("usr/bin", `${path}/bin`);
      await Deno.symlink("/data/app", `${path}/usr/bin/app`);
      await Deno.symlink("../../../../sbin/./up", `${path}/usr/bin/up`);
      await Deno.symlink("loop", `${path}/loop`);
      await Deno.writeTextFile(`${path}/usr/file`, "");
      using root = openRootDirectory(path);
      const expected = {
        "/": "/",
        "/bin/sh": "/usr/bin/sh",
        "/bin/app": "/data/app",
        "/bin/app/more": "/data/app/more",
        "/bin/up": "/sbin/up",
        "/bin/../none/x": "/usr/none/x",
        "/usr/file/x": "/usr/file/x",
        "/loop": "/loop",
      };
      for (const [asked, found] of Object.entries(expected)) {
        assertEquals(root.resolve(asked), found, asked);
      }
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  },
);
