import { assertEquals } from "@std/assert";
import { exitCodeOf, isAlive, spawn } from "./process.ts";
import { proxySignals, SIGNALS } from "./signals.ts";

// libc's symbols stay open; the sanitizer must not count them to a test.
const warm = { path: "/bin/true", args: [], env: [] };
await spawn({ ...warm, processGroup: "own" }).wait();
isAlive(Deno.pid);

Deno.test("proxySignals() passes a signal on to the child", async () => {
  const child = spawn({
    path: "/bin/sh",
    args: ["-c", "trap 'exit 42' USR1; kill -USR1 $PPID; while :; do :; done"],
    env: ["PATH=/usr/bin:/bin"],
    processGroup: "own",
  });
  using _proxy = proxySignals(child.pid, { processGroup: "own" });
  assertEquals(exitCodeOf(await child.wait()), 42);
});

Deno.test("SIGNALS has the numbers that kill(1) knows", async () => {
  const { stdout } = await new Deno.Command("/bin/bash", {
    args: ["-c", "kill -l"],
  }).output();
  const listed = new TextDecoder().decode(stdout);
  for (const [name, number] of Object.entries(SIGNALS)) {
    assertEquals(
      new RegExp(`(?:^|\\s)${number}\\) ${name}\\s`).test(listed),
      true,
      name,
    );
  }
});
