/** Whoever is attached and reads late gets all of it all the same. */

import { assertEquals } from "@std/assert";
import { processesWith } from "./support/containerd.ts";
import { RUNTIME, SHIM } from "./support/foreign_shims.ts";
import { programCommand } from "./support/program.ts";
import {
  REMOTE_IMAGE,
  REMOTE_SERVERS,
  type RemoteStore,
  until,
} from "./support/remote_store.ts";
import { IMAGE, openRunStore, type RunStore } from "./support/run_store.ts";
import { isThere } from "../src/sys/is_there.ts";

/** More than the pipes and sockets between a shim and a reader hold. */
const SIZE = 900_000;
const SCRIPT = "until [ -e /go ]; do echo; sleep 0.05; done; " +
  `head -c ${SIZE} /dev/zero; exit 4`;

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

/** @param what image, and flags before it */
async function attachLate(
  { flags, call }: Pick<RunStore | RemoteStore, "flags" | "call">,
  isFinished: () => Promise<boolean>,
  ...what: readonly string[]
): Promise<void> {
  const ok = async (...args: readonly string[]) => {
    const { code, stderr } = await call(args);
    assertEquals(code, 0, `${args.join(" ")}: ${stderr}`);
  };
  await ok("run", "-d", "--name", "web", ...what, "sh", "-c", SCRIPT);
  const child = programCommand([...flags, "attach", "web"], {
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await ok("exec", "web", "touch", "/go");
  await until("its end", isFinished);
  assertEquals(await zeros(reader), SIZE);
  assertEquals((await child.status).code, 4);
  await ok("rm", "web");
}

Deno.test({
  name: "attach shows all to a late reader",
  ignore: Deno.uid() !== 0,
  fn: async (t) => {
    await using store = await openRunStore();
    const late = (...what: readonly string[]) =>
      attachLate(store, () => isFinished(store), ...what);
    await t.step("of what our shim keeps", () => late(IMAGE));
    await t.step({
      name: "of what a shim of others keeps",
      ignore: !isThere(SHIM),
      fn: () => late("--runtime", RUNTIME, IMAGE),
    });
    assertEquals(await store.leftovers(), []);
  },
});

for (const { name, ignore, open } of REMOTE_SERVERS) {
  Deno.test({
    name: `attach shows all to a late reader through the socket of ${name}`,
    ignore,
    fn: async () => {
      await using store = await open();
      const isFinished = async () =>
        (await store.ok("ps", "-a")).includes("Exited (4)") &&
        processesWith("shim-log").every((it) => !it.includes(store.dir));
      await attachLate(store, isFinished, REMOTE_IMAGE);
    },
  });
}
