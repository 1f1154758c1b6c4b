/** Whoever is attached and reads late gets all of it all the same. */

import { assertEquals } from "@std/assert";
import { RUNTIME, SHIM } from "./support/foreign_shims.ts";
import { programCommand } from "./support/program.ts";
import { until } from "./support/remote_store.ts";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";
import { isThere } from "../src/sys/is_there.ts";

/** More than the pipes and sockets between a shim and a reader hold. */
const SIZE = 900_000;
const SCRIPT = "until [ -e /go ]; do echo; sleep 0.05; done; " +
  `head -c ${SIZE} /dev/zero; exit 4`;

async function ok(
  { call }: RunStore,
  ...args: readonly string[]
): Promise<string> {
  const { code, stdout, stderr } = await call(args);
  assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

async function zeros(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<number> {
  for (let count = 0;;) {
    const { value } = await reader.read();
    if (value === undefined) return count;
    count += value.filter((byte) => byte === 0).length;
  }
}

/** Whatever is left to do after its end has been done. */
async function isFinished({ dir }: RunStore): Promise<boolean> {
  for await (const _bundle of Deno.readDir(`${dir}/state/bundles`)) {
    return false;
  }
  return true;
}

async function attachLate(store: RunStore, ...flags: readonly string[]) {
  await ok(store, "run", "-d", "--name", "web", ...flags, IMAGE, ...[
    ...["sh", "-c", SCRIPT],
  ]);
  const child = programCommand([...store.flags, "attach", "web"], {
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await ok(store, "exec", "web", "touch", "/go");
  await until("its end", () => isFinished(store));
  assertEquals(await zeros(reader), SIZE);
  assertEquals((await child.status).code, 4);
  await ok(store, "rm", "web");
  assertEquals(await store.leftovers(), []);
}

Deno.test({
  name: "attach shows all to a late reader",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    await t.step("of what our shim keeps", () => attachLate(store));
    await t.step({
      name: "of what a shim of others keeps",
      ignore: !isThere(SHIM),
      fn: () => attachLate(store, "--runtime", RUNTIME),
    });
  },
});
