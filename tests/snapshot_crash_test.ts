import { assert, assertEquals } from "@std/assert";
import { background } from "../src/base/context.ts";
import { createOverlaySnapshotter } from "../src/drivers/snapshot_overlay/snapshotter.ts";
import { openRecords } from "./snapshot_support.ts";
import { denoRun } from "./rootless_support.ts";

const KILLS = 12;

/** Lets two workers run side by side, then kills both with no warning. */
async function workAndDie(
  base: string,
  turn: number,
  delayMs: number,
): Promise<void> {
  const children = await Promise.all(["a", "b"].map(async (side) => {
    const name = `${turn}${side}`;
    const [program = "", ...args] = denoRun(
      "./snapshot_crash/worker.ts",
      ...[base, name],
    );
    const child = new Deno.Command(program, { args, stdout: "piped" }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    return child;
  }));
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  for (const child of children) child.kill("SIGKILL");
  for (const child of children) {
    assertEquals((await child.status).signal, "SIGKILL");
  }
}

Deno.test({
  name: "cleanup() leaves exactly what records name after any kill",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    const base = await Deno.makeTempDir();
    try {
      (await openRecords(base))[Symbol.dispose]();
      for (let turn = 0; turn < KILLS; turn++) {
        await workAndDie(base, turn, 5 + Math.random() * 60);
      }
      await checkStore(base);
    } finally {
      await Deno.remove(base, { recursive: true });
    }
  },
});

async function checkStore(base: string): Promise<void> {
  using connection = await openRecords(base);
  const { records } = connection;
  const root = `${base}/snapshots`;
  const snapshotter = createOverlaySnapshotter({
    ...{ root, records },
    features: { attributes: "trusted", index: "known" },
  });
  const ctx = background();
  await snapshotter.cleanup(ctx);
  const directories = new Set<number>();
  for await (const { name } of Deno.readDir(root)) {
    directories.add(Number(name));
  }
  let committed = 0;
  for (const { id, name, kind } of records.walk(ctx)) {
    // A record whose maker died before the directory gets it when asked for.
    if (kind === "committed") committed++;
    else await snapshotter.mounts(ctx, name);
    assert(directories.delete(id) || kind !== "committed", `${name} is lost`);
  }
  assert(committed > KILLS, `only ${committed} snapshots were made`);
  // What is left is reserved by a worker that was killed while it staged.
  assert(directories.size <= 2 * KILLS);
  records.withLiveIds((live) => {
    for (const id of directories) assert(live.has(id), `${id} is garbage`);
  });
}
