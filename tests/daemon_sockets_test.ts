/** The daemon's socket. Not beside the code: the umask is the whole process's. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { listenAt } from "../src/app/daemon/sockets.ts";
import { EngineError } from "../src/base/errors.ts";

const MODE = 0o660;

async function withDirectory(
  body: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "coracle-sockets-" });
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function refusal(path: string): Promise<EngineError> {
  return await assertRejects(() => listenAt(path, MODE), EngineError);
}

Deno.test("listenAt() makes the socket with its mode, and its directory where there is none", async () => {
  await withDirectory(async (dir) => {
    for (const path of [`${dir}/s`, `${dir}/new/dir/s`]) {
      using _listener = await listenAt(path, MODE);
      assertEquals(((await Deno.lstat(path)).mode ?? 0) & 0o777, MODE);
    }
    assertEquals(((await Deno.lstat(`${dir}/new`)).mode ?? 0) & 0o777, 0o711);
  });
});

Deno.test("listenAt() takes the place of a socket that nobody listens on", async () => {
  await withDirectory(async (dir) => {
    const path = `${dir}/s`;
    {
      using _dead = Deno.listen({ transport: "unix", path: `${dir}/dead` });
      await Deno.rename(`${dir}/dead`, path);
    }
    assert((await Deno.lstat(path)).isSocket);
    using listener = await listenAt(path, MODE);
    using _client = await Deno.connect({ transport: "unix", path });
    using _accepted = await listener.accept();
  });
});

Deno.test("listenAt() refuses a path at which somebody listens, or that is no socket's", async () => {
  await withDirectory(async (dir) => {
    const path = `${dir}/s`;
    using listener = Deno.listen({ transport: "unix", path });
    const accepted = listener.accept();
    const used = await refusal(path);
    (await accepted).close();
    assertEquals(used.code, "failedPrecondition");
    assertEquals(
      used.message,
      `Cannot listen on "${path}": another daemon answers there`,
    );
    await Deno.writeTextFile(`${dir}/file`, "");
    const file = await refusal(`${dir}/file`);
    assertEquals(file.code, "failedPrecondition");
    assertEquals(
      file.message,
      `Cannot listen on "${dir}/file": it is no socket`,
    );
    assert((await Deno.lstat(`${dir}/file`)).isFile);
    for (const wrong of ["relative/s", `${dir}/${"long".repeat(27)}`]) {
      assertEquals((await refusal(wrong)).code, "invalidArgument");
    }
  });
});
