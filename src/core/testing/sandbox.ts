/** What every store of sandboxes must do. */

import { assertEquals } from "@std/assert";
import type { SandboxStore } from "../sandbox.ts";
import { assertCode, collect } from "./assert.ts";
import { ctx, other } from "./fixtures.ts";

export type OpenSandboxStore = () => Promise<
  AsyncDisposable & { readonly sandboxes: SandboxStore }
>;

const typed = (text: string) => ({
  typeUrl: "types.example/T",
  value: new TextEncoder().encode(text),
});

export async function sandboxStoreSuite(
  t: Deno.TestContext,
  open: OpenSandboxStore,
): Promise<void> {
  const step = (name: string, body: (store: SandboxStore) => Promise<void>) =>
    t.step(name, async () => {
      await using opened = await open();
      await body(opened.sandboxes);
    });

  await step("create() keeps every field byte for byte", async (store) => {
    const sandbox = {
      id: "pod",
      labels: { a: "b" },
      runtime: { name: "io.example.v2", options: typed("\u0000options") },
      spec: { typeUrl: "spec", value: Uint8Array.of(0, 255, 1) },
      extensions: { "a/b": typed("x"), __proto: typed("") },
      sandboxer: "shim",
    };
    const created = await store.create(ctx, sandbox);
    assertEquals(await store.get(ctx, "pod"), created);
    const { createdAt, updatedAt, ...kept } = created;
    assertEquals(kept, sandbox as typeof kept);
    assertEquals(createdAt, updatedAt);
  });

  await step(
    "create() throws alreadyExists or invalidArgument for a bad id",
    async (store) => {
      await store.create(ctx, { id: "pod" });
      await assertCode("alreadyExists", () => store.create(ctx, { id: "pod" }));
      await store.create(other, { id: "pod" });
      for (const id of ["", "a b", "../a", "a".repeat(77)]) {
        await assertCode("invalidArgument", () => store.create(ctx, { id }));
      }
    },
  );

  await step("list() gives those that match", async (store) => {
    await store.create(ctx, { id: "a", labels: { tier: "web", "x.y": "1" } });
    await store.create(ctx, { id: "b" });
    await store.create(other, { id: "c" });
    const ids = async (...filters: string[]) =>
      (await collect(store.list(ctx, filters))).map(({ id }) => id);
    assertEquals(await ids(), ["a", "b"]);
    assertEquals(await ids("id==b", 'labels."x.y"==1'), ["a", "b"]);
    assertEquals(await ids("labels.tier==web,id==b"), []);
    assertEquals(await ids("runtime"), []);
    await assertCode("invalidArgument", () => ids("id="));
  });

  await step("update() changes what its paths name", async (store) => {
    await store.create(ctx, {
      id: "pod",
      labels: { a: "1", b: "2" },
      runtime: { name: "r" },
      extensions: { x: typed("1"), y: typed("2") },
      sandboxer: "shim",
    });
    const wanted = {
      id: "pod",
      labels: { a: "3" },
      extensions: { x: typed("3") },
      spec: typed("spec"),
      runtime: { name: "other" },
      sandboxer: "ignored",
    };
    const paths = ["labels.a", "extensions.x", "extensions.y", "spec"];
    const { labels, extensions, spec, runtime } = await store.update(
      ctx,
      wanted,
      paths,
    );
    assertEquals(labels, { a: "3", b: "2" });
    assertEquals(extensions, { x: typed("3") });
    assertEquals(spec, typed("spec"));
    assertEquals(runtime, { name: "r" });
    await store.update(ctx, wanted, ["runtime", "labels"]);
    const updated = await store.get(ctx, "pod");
    assertEquals(updated.runtime, { name: "other" });
    assertEquals(updated.labels, { a: "3" });
    assertEquals(updated.sandboxer, "shim");
  });

  await step(
    "update() replaces all but the runtime's name without paths",
    async (store) => {
      const runtime = { name: "r" };
      await store.create(ctx, { id: "pod", labels: { a: "1" }, runtime });
      await assertCode(
        "invalidArgument",
        () => store.update(ctx, { id: "pod", runtime: { name: "other" } }),
      );
      const options = typed("options");
      const updated = await store.update(ctx, {
        id: "pod",
        runtime: { name: "r", options },
      });
      assertEquals(updated.labels, {});
      assertEquals(updated.runtime, { name: "r", options });
    },
  );

  await step("update() and delete() throw what is wrong", async (store) => {
    await assertCode("notFound", () => store.update(ctx, { id: "pod" }));
    await assertCode("notFound", () => store.delete(ctx, "pod"));
    await assertCode("notFound", () => store.get(ctx, "pod"));
    await store.create(ctx, { id: "pod" });
    for (const path of ["sandboxer", "id", "nonsense"]) {
      await assertCode(
        "invalidArgument",
        () => store.update(ctx, { id: "pod" }, [path]),
      );
    }
    await store.delete(ctx, "pod");
    await assertCode("notFound", () => store.get(ctx, "pod"));
  });
}
