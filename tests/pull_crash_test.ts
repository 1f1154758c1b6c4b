/**
 * A pull that is killed at any moment must leave a store in which the next one
 * succeeds, and nothing else behind.
 */

import { assert, assertEquals } from "@std/assert";
import { checkStore } from "./pull_check.ts";
import {
  isRoot,
  type MadeImage,
  makeImage,
  removeStore,
  upload,
} from "./pull_support.ts";
import { mountsBelow } from "../src/sys/mount_info.ts";
import { hasRegistry, startRegistry } from "./support/registry.ts";
import { type RawEntry, rawTar } from "./support/raw_tar.ts";
import { programCommand } from "./support/program.ts";

const ROUNDS = 14;

/** Some thousands of files, a link through a lower layer, a whiteout. */
function manyFiles(): Promise<MadeImage> {
  const layer = (index: number): RawEntry[] => [
    { flag: "5", name: `layer${index}/`, mode: 0o755 },
    ...Array.from({ length: 800 }, (_, i): RawEntry => ({
      name: `layer${index}/file${i}`,
      data: `${index} ${i} `.repeat(200),
    })),
  ];
  return makeImage([
    { tar: rawTar({ flag: "2", name: "lib", link: "layer0" }, ...layer(0)) },
    { tar: rawTar(...layer(1)) },
    { tar: rawTar({ name: "lib/added", data: "by the next layer" }) },
    { tar: rawTar(...layer(2), { name: "layer1/.wh.file7" }) },
    { tar: rawTar(...layer(3)), compression: "none" },
  ]);
}

function pull(store: string, name: string): Deno.ChildProcess {
  return run(store, ["pull", "--quiet", name]);
}

function run(store: string, command: readonly string[]): Deno.ChildProcess {
  const flags = ["--root", `${store}/root`, "--state", `${store}/state`];
  return programCommand([...flags, ...command], {
    env: { TMPDIR: `${store}/tmp` },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
}

async function outcome(
  child: Deno.ChildProcess,
): Promise<{ code: number; text: string }> {
  const { code, stderr } = await child.output();
  return { code, text: new TextDecoder().decode(stderr) };
}

async function withRegistry(
  use: (store: string, name: string, image: MadeImage) => Promise<void>,
): Promise<void> {
  await using registry = await startRegistry();
  const store = await Deno.realPath(await Deno.makeTempDir());
  await Deno.mkdir(`${store}/tmp`);
  try {
    const image = await manyFiles();
    await upload(image, registry.host, "test/many");
    await use(store, `${registry.host}/test/many:latest`, image);
  } finally {
    await removeStore(store);
  }
}

Deno.test({
  name: "pull heals when it was killed at any moment",
  ignore: !isRoot || !hasRegistry(),
  // The store's own symbols of libc stay open.
  sanitizeResources: false,
  fn: () =>
    withRegistry(async (store, name, image) => {
      const started = performance.now();
      assertEquals((await outcome(pull(store, name))).code, 0);
      const fullMs = performance.now() - started;
      await removeStore(`${store}/root`);
      let killed = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const child = pull(store, name);
        const timer = setTimeout(
          () => child.kill("SIGKILL"),
          fullMs * (round + Math.random()) / ROUNDS,
        );
        const { code } = await outcome(child);
        clearTimeout(timer);
        if (code !== 0) killed++;
        // Now and then from the start, else what was left is gone on with.
        if (round % 5 === 4) await removeStore(`${store}/root`);
      }
      assert(killed >= 10, `only ${killed} pulls were killed`);
      const last = await outcome(pull(store, name));
      assertEquals(last.code, 0, last.text);
      await checkStore(store, name, image);
      const { code, text } = await outcome(run(store, ["fsck"]));
      assertEquals(code, 0, text);
      assertEquals(mountsBelow(store), []);
      const left = await Array.fromAsync(Deno.readDir(`${store}/tmp`));
      assertEquals(left, []);
    }),
});

Deno.test({
  name: "pull joins another one that is under way",
  ignore: !isRoot || !hasRegistry(),
  sanitizeResources: false,
  fn: () =>
    withRegistry(async (store, name, image) => {
      const pulls = [1, 2, 3].map(() => outcome(pull(store, name)));
      for (const { code, text } of await Promise.all(pulls)) {
        assertEquals(code, 0, text);
      }
      await checkStore(store, name, image);
    }),
});
