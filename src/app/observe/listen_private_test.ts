import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { connectUnix } from "../unix_socket.ts";
import { listenPrivate } from "./listen_private.ts";

async function inDirectory(
  work: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-private-" });
  try {
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function names(dir: string): Promise<readonly string[]> {
  return await Array.fromAsync(Deno.readDir(dir), ({ name }) => name);
}

// libc's symbols are opened once for the process, and stay.
Deno.test(
  "listenPrivate() makes a socket for its owner, at a path of any length",
  {
    sanitizeResources: false,
  },
  async () => {
    await inDirectory(async (dir) => {
      const deep = `${dir}/${"x".repeat(120)}`;
      await Deno.mkdir(deep);
      const path = `${deep}/s`;
      using listener = await listenPrivate(path);
      assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
      assertEquals(await names(deep), ["s"]);
      const [accepted, made] = await Promise.all([
        listener.accept(),
        connectUnix(path),
      ]);
      accepted.close();
      made.close();
    });
  },
);

Deno.test("listenPrivate() replaces a socket that nobody listens at, and no other", async () => {
  await inDirectory(async (dir) => {
    const path = `${dir}/s`;
    const first = await listenPrivate(path);
    const { code } = await assertRejects(
      () => listenPrivate(path),
      EngineError,
    );
    assertEquals(code, "failedPrecondition");
    first.close();
    using _second = await listenPrivate(path);
    assertEquals(await names(dir), ["s"]);
  });
});
