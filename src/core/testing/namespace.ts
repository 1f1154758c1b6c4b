/** What every namespace store must do. */

import { assertEquals } from "@std/assert";
import type { ImageStore } from "../image.ts";
import type { NamespaceStore } from "../namespace.ts";
import { assertCode, collect } from "./assert.ts";
import { ctx, fakeDescriptor } from "./fixtures.ts";

interface Stores {
  readonly namespaces: NamespaceStore;
  readonly images: ImageStore;
}

export type OpenNamespaceStore = () => Promise<AsyncDisposable & Stores>;

export async function namespaceStoreSuite(
  t: Deno.TestContext,
  open: OpenNamespaceStore,
): Promise<void> {
  const step = (name: string, body: (stores: Stores) => Promise<void>) =>
    t.step(name, async () => {
      await using opened = await open();
      await body(opened);
    });

  await step(
    "create() keeps labels; names are checked and unique",
    async ({ namespaces }) => {
      const created = { name: "team-a", labels: { k: "v" } };
      assertEquals(await namespaces.create(ctx, created), created);
      assertEquals(await namespaces.get(ctx, "team-a"), created);
      assertEquals(await collect(namespaces.list(ctx)), [created]);
      await assertCode("alreadyExists", () => namespaces.create(ctx, created));
      for (const name of ["", "a/b", "-a"]) {
        const bad = { name, labels: {} };
        await assertCode("invalidArgument", () => namespaces.create(ctx, bad));
      }
    },
  );

  await step(
    "update() changes labels by field paths",
    async ({ namespaces }) => {
      const name = "n";
      await namespaces.create(ctx, { name, labels: { a: "1", b: "2" } });
      await namespaces.update(ctx, { name, labels: { a: "3" } }, ["labels.a"]);
      const { labels } = await namespaces.get(ctx, name);
      assertEquals(labels, { a: "3", b: "2" });
      await namespaces.update(ctx, { name, labels: {} });
      assertEquals((await namespaces.get(ctx, name)).labels, {});
      await assertCode(
        "notFound",
        () => namespaces.update(ctx, { name: "unknown", labels: {} }),
      );
    },
  );

  await step(
    "get() finds a namespace that came to be by use",
    async ({ namespaces, images }) => {
      await assertCode("notFound", () => namespaces.get(ctx, ctx.namespace));
      await images.create(ctx, { name: "i", target: fakeDescriptor(1) });
      assertEquals(await namespaces.get(ctx, ctx.namespace), {
        name: ctx.namespace,
        labels: {},
      });
    },
  );

  await step(
    "delete() throws failedPrecondition until the namespace is empty",
    async ({ namespaces, images }) => {
      const name = ctx.namespace;
      await assertCode("notFound", () => namespaces.delete(ctx, name));
      await images.create(ctx, { name: "i", target: fakeDescriptor(1) });
      await assertCode(
        "failedPrecondition",
        () => namespaces.delete(ctx, name),
      );
      await images.delete(ctx, "i");
      await namespaces.delete(ctx, name);
      await assertCode("notFound", () => namespaces.get(ctx, name));
    },
  );

  await step(
    "images of an empty namespace name throw failedPrecondition",
    async ({ images }) => {
      const nowhere = { ...ctx, namespace: "" };
      const image = { name: "i", target: fakeDescriptor(1) };
      await assertCode(
        "failedPrecondition",
        () => images.create(nowhere, image),
      );
      await assertCode("failedPrecondition", () => images.get(nowhere, "i"));
    },
  );
}
