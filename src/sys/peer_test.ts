import { assertEquals, assertThrows } from "@std/assert";
import { SysError } from "./errno.ts";
import { peerOf } from "./peer.ts";

// The library is opened once, and stays.
assertThrows(() => peerOf("/nonexistent"));

Deno.test("peerOf() tells who serves a socket", async () => {
  const dir = await Deno.makeTempDir({ prefix: "coracle-peer-" });
  try {
    const path = `${dir}/socket`;
    using _listener = Deno.listen({ transport: "unix", path });
    assertEquals(peerOf(path), { pid: Deno.pid, uid: Deno.uid() ?? 0 });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("peerOf() throws for a socket of nobody, or with a long path", () => {
  for (const path of ["/nonexistent/socket", `/${"x".repeat(107)}`]) {
    assertThrows(() => peerOf(path), SysError, path);
  }
});
