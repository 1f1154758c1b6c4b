/** What every container store must do. */

import { assertEquals } from "@std/assert";
import type { ContainerStore } from "../container.ts";
import { LABEL } from "../labels.ts";
import { assertCode, collect } from "./assert.ts";
import { ctx, fakeContainer, other } from "./fixtures.ts";

export type OpenContainerStore = () => Promise<
  AsyncDisposable & { readonly containers: ContainerStore }
>;

const typed = (text: string) => ({
  typeUrl: "types.example/T",
  value: new TextEncoder().encode(text),
});

export async function containerStoreSuite(
  t: Deno.TestContext,
  open: OpenContainerStore,
): Promise<void> {
  const step = (name: string, body: (store: ContainerStore) => Promise<void>) =>
    t.step(name, async () => {
      await using opened = await open();
      await body(opened.containers);
    });

  await step("create() keeps every field byte for byte", async (store) => {
    const container = fakeContainer("web", {
      labels: { a: "b" },
      image: "docker.io/library/busybox:latest",
      runtime: { name: "runc", options: typed("\u0000options") },
      spec: { typeUrl: "spec", value: Uint8Array.of(0, 255, 1) },
      snapshotter: "overlay",
      snapshotKey: "web",
      extensions: { "a/b": typed("x"), c: typed("") },
      sandboxId: "pod",
    });
    const created = await store.create(ctx, container);
    assertEquals(await store.get(ctx, "web"), created);
    const { createdAt, updatedAt, ...kept } = created;
    assertEquals(kept, container as typeof kept);
    assertEquals(createdAt, updatedAt);
  });

  await step(
    "create() throws alreadyExists or invalidArgument for a bad id",
    async (store) => {
      await store.create(ctx, fakeContainer("web"));
      await assertCode(
        "alreadyExists",
        () => store.create(ctx, fakeContainer("web")),
      );
      await store.create(other, fakeContainer("web"));
      for (const id of ["", "a b", "../a", "a".repeat(77)]) {
        await assertCode(
          "invalidArgument",
          () => store.create(ctx, fakeContainer(id)),
        );
      }
      await assertCode(
        "invalidArgument",
        () => store.create(ctx, fakeContainer("x", { snapshotKey: "k" })),
      );
    },
  );

  await step(
    "create() reserves the name, also against update(), until delete()",
    async (store) => {
      const named = (id: string, name: string) =>
        fakeContainer(id, { labels: { [LABEL.containerName]: name } });
      await store.create(ctx, named("a", "web"));
      await assertCode(
        "alreadyExists",
        () => store.create(ctx, named("b", "web")),
      );
      await store.create(other, named("b", "web"));
      await store.create(ctx, named("b", "db"));
      await assertCode(
        "alreadyExists",
        () => store.update(ctx, named("b", "web")),
      );
      assertEquals((await store.get(ctx, "b")).labels, named("b", "db").labels);
      await store.update(ctx, named("b", "cache"));
      await store.create(ctx, named("c", "db"));
      await store.delete(ctx, "a");
      await store.create(ctx, named("d", "web"));
    },
  );

  await step("named() finds by the whole name only", async (store) => {
    const spec = typed("large");
    const named = (id: string, name: string) =>
      fakeContainer(id, { spec, labels: { [LABEL.containerName]: name } });
    const web = await store.create(ctx, named("a", "web"));
    await store.create(ctx, fakeContainer("b"));
    await store.create(other, named("c", "db"));
    assertEquals(await store.named(ctx, "web"), web);
    for (const name of ["", "a", "we", "web2", "WEB", "db"]) {
      assertEquals(await store.named(ctx, name), undefined, name);
    }
    await store.update(ctx, named("a", "db"));
    assertEquals(await store.named(ctx, "web"), undefined);
    assertEquals((await store.named(ctx, "db"))?.id, "a");
  });

  await step(
    "beginningWith() finds by the beginning of the id, two at the most",
    async (store) => {
      const spec = typed("large");
      for (const id of ["ab", "ab1", "ab2", "ac-3"]) {
        await store.create(ctx, fakeContainer(id, { spec }));
      }
      await store.create(other, fakeContainer("b"));
      const ids = async (prefix: string) =>
        (await store.beginningWith(ctx, prefix)).map(({ id }) => id);
      assertEquals(await ids("ab"), ["ab", "ab1"]);
      assertEquals(await ids("ab2"), ["ab2"]);
      assertEquals(await ids("ac"), ["ac-3"]);
      // Nothing in it stands for something else.
      for (const prefix of ["", "b", "ac_", "a%", "AB", "*", "\u{10ffff}"]) {
        assertEquals(await ids(prefix), [], prefix);
      }
      const [found] = await store.beginningWith(ctx, "ab2");
      assertEquals(found, await store.get(ctx, "ab2"));
    },
  );

  await step("list() leaves out specs and filters", async (store) => {
    const spec = typed("large");
    await store.create(ctx, fakeContainer("a", { spec, image: "i" }));
    await store.create(ctx, fakeContainer("b", { labels: { k: "v" } }));
    await store.create(other, fakeContainer("c"));
    const listed = await collect(store.list(ctx));
    assertEquals(listed.map(({ id, spec }) => [id, spec]), [
      ["a", undefined],
      ["b", undefined],
    ]);
    const ids = async (...filters: string[]) =>
      (await collect(store.list(ctx, filters))).map(({ id }) => id);
    assertEquals(await ids("id==a"), ["a"]);
    assertEquals(await ids("image==i"), ["a"]);
    assertEquals(await ids("image"), ["a"]);
    assertEquals(await ids("labels.k==v"), ["b"]);
    assertEquals(await ids("runtime.name==io.containerd.runc.v2"), ["a", "b"]);
    assertEquals((await collect(store.pages(ctx))).flat(), listed);
    assertEquals(
      (await collect(store.pages(ctx, ["id==b"]))).flat(),
      listed.slice(1),
    );
  });

  await step(
    "list() gives whole records when asked, each with what is its own",
    async (store) => {
      const id = (n: number) => `c-${String(n).padStart(4, "0")}`;
      for (let n = 0; n < 450; n++) {
        const extensions = n % 3 === 0
          ? { e: typed(`${n}`), f: typed("") }
          : {};
        const spec = typed(`spec ${n}`);
        await store.create(ctx, fakeContainer(id(n), { spec, extensions }));
      }
      const listed = await collect(store.list(ctx, [], "whole"));
      assertEquals(listed.length, 450);
      for (const n of [0, 1, 199, 200, 201, 399, 449]) {
        assertEquals(listed[n], await store.get(ctx, id(n)));
      }
      const one = await collect(store.list(ctx, [`id==${id(201)}`], "whole"));
      assertEquals(one, listed.slice(201, 202));
      const pages = await collect(store.pages(ctx, [], "whole"));
      assertEquals(pages.flat(), listed);
    },
  );

  await step(
    "update() replaces what is given, or what field paths name",
    async (store) => {
      const extensions = { one: typed("1"), two: typed("2") };
      await store.create(
        ctx,
        fakeContainer("a", { extensions, labels: { x: "1" }, image: "i" }),
      );
      let updated = await store.update(
        ctx,
        fakeContainer("a", { extensions: { one: typed("3") }, image: "j" }),
        ["extensions.one", "extensions.two"],
      );
      assertEquals(updated.extensions, { one: typed("3") });
      assertEquals([updated.image, updated.labels], ["i", { x: "1" }]);
      updated = await store.update(ctx, fakeContainer("a", { labels: {} }));
      assertEquals([updated.image, updated.labels], ["i", {}]);
      assertEquals(await store.get(ctx, "a"), updated);
    },
  );

  await step("update() throws when a field can't be changed", async (store) => {
    await store.create(ctx, fakeContainer("a", { snapshotter: "overlay" }));
    for (
      const change of [{ snapshotter: "native" }, { runtime: { name: "crun" } }]
    ) {
      await assertCode(
        "invalidArgument",
        () => store.update(ctx, fakeContainer("a", change)),
      );
    }
    await assertCode(
      "invalidArgument",
      () => store.update(ctx, fakeContainer("a"), ["runtime.name"]),
    );
    await assertCode("notFound", () => store.update(ctx, fakeContainer("b")));
  });

  await step("delete() makes it unknown", async (store) => {
    await store.create(ctx, fakeContainer("a"));
    await assertCode("notFound", () => store.delete(other, "a"));
    await store.delete(ctx, "a");
    await assertCode("notFound", () => store.get(ctx, "a"));
    await assertCode("notFound", () => store.delete(ctx, "a"));
  });
}
