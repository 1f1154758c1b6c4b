/** Whoever reads a container's output late gets all of it all the same. */

import { assertEquals } from "@std/assert";
import { RUNTIME, SHIM } from "./support/foreign_shims.ts";
import { PROGRAM } from "./support/program.ts";
import { REMOTE_IMAGE, REMOTE_SERVERS } from "./support/remote_store.ts";
import { IMAGE, openRunStore } from "./support/run_store.ts";
import { isThere } from "../src/sys/is_there.ts";

/** Shims wait 2 s for who does not read what is left of a process's output. */
const LATE_SECONDS = 3;

/**
 * What lies in pipes between process and reader is less than the last; where
 * it lies when the process ends depends on the size.
 */
const SIZES = [180_000, 220_000, 250_000, 280_000, 320_000];

async function assertAllComes(
  flags: readonly string[],
  ...args: readonly string[]
): Promise<void> {
  const counts = SIZES.map(async (size) => {
    const command = [...args, "head", "-c", String(size), "/dev/zero"];
    const words = [...PROGRAM, ...flags, ...command].map((it) => `'${it}'`);
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `${words.join(" ")} | { sleep ${LATE_SECONDS}; wc -c; }`],
      stdin: "null",
      env: { NO_COLOR: "1" },
    }).output();
    return Number(new TextDecoder().decode(stdout));
  });
  assertEquals(await Promise.all(counts), SIZES, args.join(" "));
}

Deno.test({
  name: "a late reader gets all of what a shim of others keeps",
  ignore: Deno.uid() !== 0 || !isThere(SHIM),
  fn: async () => {
    await using store = await openRunStore();
    const run = ["run", "--runtime", RUNTIME];
    await assertAllComes(store.flags, ...run, "--rm", IMAGE);
    await store.call([...run, "-d", "--name", "web", IMAGE, "sleep", "1000"]);
    await assertAllComes(store.flags, "exec", "web");
    await store.call(["rm", "-f", "web"]);
    assertEquals(await store.leftovers(), []);
  },
});

for (const { name, ignore, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `a late reader gets all through the socket of ${name}`,
    ignore,
    fn: async () => {
      await using store = await open();
      await assertAllComes(store.flags, "run", "--rm", REMOTE_IMAGE);
      const web = ["--name", "web", REMOTE_IMAGE, "sleep", "1000"];
      await store.ok("run", "-d", ...web);
      await assertAllComes(store.flags, "exec", "web");
      await store.ok("rm", "-f", "web");
    },
  });
}
