import { assertEquals, assertRejects } from "@std/assert";
import { background } from "../../base/context.ts";
import { EngineError } from "../../base/errors.ts";
import type { Judgement } from "../../core/image_verifier.ts";
import { fakeDescriptor } from "../../core/testing/fixtures.ts";
import { createImageVerifier } from "./verifier.ts";

const target = fakeDescriptor(1);

/** Judges by shell scripts, by name. */
async function judge(
  scripts: Readonly<Record<string, string>>,
  options: { readonly most?: number; readonly timeoutMs?: number } = {},
): Promise<Judgement> {
  const directory = await Deno.makeTempDir();
  try {
    for (const [name, script] of Object.entries(scripts)) {
      const path = `${directory}/${name}`;
      await Deno.writeTextFile(path, `#!/bin/sh\n${script}\n`);
      await Deno.chmod(path, 0o755);
    }
    const { most = 10, timeoutMs = 10_000 } = options;
    const verifier = createImageVerifier({ directory, most, timeoutMs });
    return await verifier.verify(background(), "example.com/it:1", target);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("verify() says yes when there is nobody to ask", async () => {
  const { ok, reason } = await judge({});
  assertEquals([ok, reason.startsWith("no image verifier")], [true, true]);
  const nowhere = createImageVerifier({
    directory: "/nonexistent/verifiers",
    most: 10,
    timeoutMs: 1_000,
  });
  assertEquals((await nowhere.verify(background(), "a", target)).ok, true);
});

Deno.test("verify() gives name, digest and descriptor to each, and gathers reasons", async () => {
  assertEquals(
    await judge({ b: "cat", a: 'echo " $*"' }),
    {
      ok: true,
      reason: `a => -name example.com/it:1 -digest ${target.digest} ` +
        "-stdin-media-type application/vnd.oci.descriptor.v1+json, " +
        `b => ${JSON.stringify(target)}`,
    },
  );
});

Deno.test("verify() says no when one does, and asks no further", async () => {
  assertEquals(
    await judge({ a: "echo fine", b: "echo unsigned; exit 3", c: "kill $$" }),
    {
      ok: false,
      reason: "verifier b rejected image (exit code 3): unsigned",
    },
  );
});

Deno.test("verify() asks no more than allowed", async () => {
  const scripts = { a: "echo yes", b: "exit 1" };
  assertEquals(await judge(scripts, { most: 1 }), {
    ok: true,
    reason: "a => yes",
  });
  assertEquals((await judge(scripts, { most: -1 })).ok, false);
});

Deno.test("verify() reads all that is written but keeps little", async () => {
  const { ok, reason } = await judge({
    a: "head -c 1000000 /dev/zero | tr '\\0' x; head -c 100000 /dev/zero >&2",
  });
  assertEquals(ok, true);
  assertEquals(reason, `a => ${"x".repeat(32 * 1024)}(stdout truncated)`);
});

Deno.test("verify() rejects when a program can't be run, dies or takes too long", async () => {
  await assertRejects(() => judge({ a: "kill -9 $$" }), EngineError, "SIGKILL");
  const timeoutMs = 200;
  await assertRejects(
    () => judge({ a: "sleep 100 & sleep 100" }, { timeoutMs }),
    EngineError,
    "200 ms",
  );
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/text`, "no program");
  const verifier = createImageVerifier({ directory, most: 1, timeoutMs });
  await assertRejects(
    () => verifier.verify(background(), "a", target),
    EngineError,
    "Permission denied",
  );
  await Deno.remove(directory, { recursive: true });
});
