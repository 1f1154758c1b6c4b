import { assert, assertEquals } from "@std/assert";
import { background } from "../src/base/context.ts";
import type { Digest } from "../src/base/digest.ts";
import { collect } from "../src/core/testing/assert.ts";
import { fsck } from "../src/engine/fsck.ts";
import { openPlainStore, type PlainStore } from "./store/plain.ts";

const ctx = background();
const WORKER = new URL("./store/worker.ts", import.meta.url).pathname;

function spawn(root: string, name: string, rounds: number): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", WORKER, root, name, String(rounds)],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Errors in the store, and garbage that a collection does not remove. */
async function problems(plain: PlainStore): Promise<string[]> {
  const check = async () => {
    const findings = await collect(
      fsck(ctx, plain.fsckDeps, { mode: "check" }),
    );
    return findings.filter(({ severity }) => severity === "error");
  };
  const before = await check();
  await plain.store.gc.collect(ctx);
  return [...before, ...await check()].map(({ kind, subject, detail }) =>
    `${kind} ${subject}: ${detail}`
  );
}

/** Checks that what a process was told is stored, and not removed, is there. */
async function assertStored(plain: PlainStore, output: string): Promise<void> {
  const lines = output.split("\n").slice(0, -1).map((line) => line.split(" "));
  const removed = new Set(
    lines.filter(([verb]) => verb === "removing").map(([, image]) => image),
  );
  for (const [verb, image = "", ...digests] of lines) {
    if (verb !== "stored" || removed.has(image)) continue;
    const { target } = await plain.store.images.get(ctx, image);
    for (const digest of [target.digest, ...digests]) {
      await plain.store.content.info(ctx, digest as Digest);
      assert(plain.store.content.hasBlob(digest as Digest), digest);
    }
    await plain.snapshotter.stat(ctx, `layer ${image}`);
  }
}

Deno.test("a store stays whole when several processes use it at once", async () => {
  await using plain = await openPlainStore();
  const { root } = plain.store;
  const children = ["a", "b", "c", "d"].map((name) => spawn(root, name, 8));
  const outputs = await Promise.all(children.map((child) => child.output()));
  for (const { success, stdout, stderr } of outputs) {
    assert(success, new TextDecoder().decode(stderr));
    await assertStored(plain, new TextDecoder().decode(stdout));
  }
  assertEquals(await problems(plain), []);
  const directories = await plain.snapshotter.listDirectories(ctx);
  assertEquals(directories.length, [...plain.records.walk(ctx)].length);
});

Deno.test("a store heals when a process is killed at any moment", async () => {
  await using plain = await openPlainStore();
  const { root } = plain.store;
  for (let round = 0; round < 24; round++) {
    const child = spawn(root, `k${round}`, 1000);
    // Half of the rounds a second process lives on and meets what is left.
    const other = round % 2 === 0 ? spawn(root, `l${round}`, 3) : undefined;
    await untilWorking(plain, `k${round}`);
    await delay(Math.random() * 150);
    child.kill("SIGKILL");
    const { stdout } = await child.output();
    const survived = await other?.output();
    if (survived !== undefined) {
      assert(survived.success, new TextDecoder().decode(survived.stderr));
    }
    assertEquals(await problems(plain), [], `after kill ${round}`);
    await assertStored(plain, new TextDecoder().decode(stdout));
  }
  const repaired = await collect(
    fsck(ctx, plain.fsckDeps, { mode: "repair" }),
  );
  const left = await collect(fsck(ctx, plain.fsckDeps, { mode: "check" }));
  assertEquals(left, [], JSON.stringify(repaired));
});

/** Waits until a process has written something of its own. */
async function untilWorking(plain: PlainStore, name: string): Promise<void> {
  for await (
    const { event } of plain.store.events.subscribe(ctx, {
      sinceSequence: 0,
      filters: [`topic==/images/create,event.name==${name}-0`],
    })
  ) {
    if (event["name"] === `${name}-0`) return;
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
