import { assertEquals, assertThrows } from "@std/assert";
import { background } from "../base/context.ts";
import { EngineError } from "../base/errors.ts";
import { createBundleStore } from "./bundles.ts";

const RECORD = {
  namespace: "default",
  id: "a",
  runtime: "runc",
  snapshotter: "overlayfs",
  snapshotKey: "a",
  removal: "keep",
} as const;

function namesIn(path: string): readonly string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

Deno.test("abandoned() removes at once what its maker did not finish", async () => {
  const state = await Deno.makeTempDir();
  try {
    const store = createBundleStore({ state });
    await Deno.mkdir(`${state}/bundles/.new-default.a/rootfs`, {
      recursive: true,
    });
    assertEquals([...store.abandoned(background())], []);
    assertEquals(namesIn(`${state}/bundles`), []);
  } finally {
    await Deno.remove(state, { recursive: true });
  }
});

Deno.test("abandoned() leaves alone what somebody may be making", async () => {
  const state = await Deno.makeTempDir();
  try {
    const store = createBundleStore({ state });
    using maker = await Deno.create(`${state}/bundles.lock`);
    maker.lockSync(false);
    await Deno.mkdir(`${state}/bundles/.new-default.a`, { recursive: true });
    assertEquals([...store.abandoned(background())], []);
    assertEquals(namesIn(`${state}/bundles`), [".new-default.a"]);
  } finally {
    await Deno.remove(state, { recursive: true });
  }
});

Deno.test("create() shares nothing with others who make the same one", async () => {
  const state = await Deno.makeTempDir();
  try {
    const store = createBundleStore({ state });
    const theirs = `${state}/bundles/.new-default.a`;
    await Deno.mkdir(`${theirs}/rootfs`, { recursive: true });
    await Deno.writeTextFile(`${theirs}/config.json`, "theirs");
    using made = store.create(background(), RECORD);
    assertEquals(namesIn(made.path), ["lock", "record.json", "rootfs"]);
    assertEquals(namesIn(theirs), ["config.json", "rootfs"]);
    assertThrows(
      () => store.create(background(), RECORD),
      EngineError,
      'container "a": it already exists',
    );
  } finally {
    await Deno.remove(state, { recursive: true });
  }
});

Deno.test("abandoned() gives a bundle when its keeper has let it go", async () => {
  const state = await Deno.makeTempDir();
  try {
    const store = createBundleStore({ state });
    const kept = store.create(background(), RECORD);
    assertEquals([...store.abandoned(background())], []);
    kept[Symbol.dispose]();
    const [found, ...others] = store.abandoned(background());
    assertEquals([found?.record.id, others.length], ["a", 0]);
    found?.remove();
    assertEquals(namesIn(`${state}/bundles`), []);
  } finally {
    await Deno.remove(state, { recursive: true });
  }
});

Deno.test("remove() does not mind that another one is just being removed", async () => {
  const state = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${state}/bundles/.old-default.a/io`, { recursive: true });
    const store = createBundleStore({ state });
    store.create(background(), RECORD).remove();
    assertEquals(namesIn(`${state}/bundles`), [".old-default.a"]);
  } finally {
    await Deno.remove(state, { recursive: true });
  }
});
