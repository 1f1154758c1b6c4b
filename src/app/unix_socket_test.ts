import { assertEquals } from "@std/assert";
import { closeFd, openDirectoryFd } from "../sys/descriptors.ts";
import { connectUnix, listenUnix } from "./unix_socket.ts";

// libc's symbols stay open; the sanitizer must not count them to a test.
closeFd(openDirectoryFd("/"));

Deno.test("listenUnix() leaves alone what has taken its place by when it is closed", async () => {
  const dir = await Deno.makeTempDir({ prefix: "coracle-socket-" });
  try {
    const path = `${dir}/shim.sock`;
    const before = listenUnix(path, "leaves");
    (await connectUnix(path)).close();
    await Deno.remove(path);
    using _after = listenUnix(path, "leaves");
    before.close();
    (await connectUnix(`unix://${path}`)).close();
    const { mode } = await Deno.stat(path);
    assertEquals((mode ?? 0) & 0o777, 0o600);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
