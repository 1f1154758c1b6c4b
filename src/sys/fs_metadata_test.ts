import { assertEquals } from "@std/assert";
import { closeFd, openDirectory } from "./fs.ts";
import { ERRNO } from "./errno.ts";
import { setModeAt } from "./fs_metadata.ts";

// libc's symbols stay open; the sanitizer must not count them to a test.
closeFd(openDirectory("/"));
setModeAt(-1, "", 0);

Deno.test("setModeAt() changes a file, but not what a link points at", () => {
  const path = Deno.makeTempDirSync();
  const fd = openDirectory(path);
  const modeOf = () => (Deno.statSync(`${path}/file`).mode ?? 0) & 0o7777;
  try {
    Deno.writeTextFileSync(`${path}/file`, "");
    Deno.symlinkSync(`${path}/file`, `${path}/link`);
    assertEquals(setModeAt(fd, "file", 0o640), 0);
    assertEquals(modeOf(), 0o640);
    assertEquals(setModeAt(fd, "link", 0o777), ERRNO.EOPNOTSUPP);
    assertEquals(modeOf(), 0o640);
    assertEquals(setModeAt(fd, "none", 0o777), ERRNO.ENOENT);
  } finally {
    closeFd(fd);
    Deno.removeSync(path, { recursive: true });
  }
});
