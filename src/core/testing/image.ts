/** What every image store must do. */

import { assert, assertEquals } from "@std/assert";
import type { ImageStore } from "../image.ts";
import { assertCode, collect } from "./assert.ts";
import { ctx, fakeDescriptor, other } from "./fixtures.ts";

export type OpenImageStore = () => Promise<
  AsyncDisposable & { readonly images: ImageStore }
>;

export async function imageStoreSuite(
  t: Deno.TestContext,
  open: OpenImageStore,
): Promise<void> {
  const step = (name: string, body: (images: ImageStore) => Promise<void>) =>
    t.step(name, async () => {
      await using opened = await open();
      await body(opened.images);
    });

  await step("create() keeps name, target and labels", async (images) => {
    const target = { ...fakeDescriptor(1), annotations: { a: "b" } };
    const created = await images.create(ctx, {
      name: "one",
      target,
      labels: { l: "1" },
    });
    assertEquals(await images.get(ctx, "one"), created);
    assertEquals(created.target, target);
    assertEquals(created.labels, { l: "1" });
  });

  await step(
    "create() throws alreadyExists for a name in use, invalidArgument for a bad one",
    async (images) => {
      const target = fakeDescriptor(1);
      await images.create(ctx, { name: "one", target });
      await assertCode(
        "alreadyExists",
        () => images.create(ctx, { name: "one", target }),
      );
      await images.create(other, { name: "one", target });
      await assertCode(
        "invalidArgument",
        () => images.create(ctx, { name: "", target }),
      );
      const labels = { k: "v".repeat(4096) };
      await assertCode(
        "invalidArgument",
        () => images.create(ctx, { name: "two", target, labels }),
      );
    },
  );

  await step(
    "get(), update() and delete() throw notFound when the name is unknown",
    async (images) => {
      const target = fakeDescriptor(1);
      await images.create(other, { name: "elsewhere", target });
      for (const name of ["elsewhere", "nowhere"]) {
        await assertCode("notFound", () => images.get(ctx, name));
        await assertCode("notFound", () => images.delete(ctx, name));
        await assertCode(
          "notFound",
          () => images.update(ctx, { name, target }),
        );
      }
    },
  );

  await step(
    "update() replaces all without field paths, else what they name",
    async (images) => {
      const name = "one";
      const labels = { a: "1", b: "2" };
      const { createdAt } = await images.create(ctx, {
        name,
        target: fakeDescriptor(1),
        labels,
      });
      const target = fakeDescriptor(2);
      let image = await images.update(ctx, { name, target }, ["target"]);
      assertEquals([image.target, image.labels], [target, labels]);
      image = await images.update(ctx, {
        name,
        target: fakeDescriptor(3),
        labels: { b: "3", c: "4" },
      }, ["labels.b"]);
      assertEquals([image.target, image.labels], [target, { a: "1", b: "3" }]);
      image = await images.update(ctx, { name, target: fakeDescriptor(3) });
      assertEquals([image.target, image.labels], [fakeDescriptor(3), {}]);
      assertEquals(image.createdAt, createdAt);
      assertEquals(await images.get(ctx, name), image);
      await assertCode(
        "invalidArgument",
        () => images.update(ctx, { name, target }, ["createdAt"]),
      );
    },
  );

  await step(
    "list() filters by name, target and label, in its namespace",
    async (images) => {
      await images.create(ctx, { name: "a", target: fakeDescriptor(1) });
      await images.create(ctx, {
        name: "b",
        target: fakeDescriptor(2),
        labels: { "x.y/z": "1" },
      });
      await images.create(other, { name: "c", target: fakeDescriptor(1) });
      const names = async (...filters: string[]) =>
        (await collect(images.list(ctx, filters))).map(({ name }) => name);
      assertEquals(await names(), ["a", "b"]);
      assertEquals(await names("name==b"), ["b"]);
      assertEquals(await names("name~=|^[ab]$|"), ["a", "b"]);
      const { digest, mediaType } = fakeDescriptor(1);
      assertEquals(await names(`target.digest==${digest}`), ["a"]);
      assertEquals(await names(`target.mediatype==${mediaType}`), ["a", "b"]);
      assertEquals(await names(`labels."x.y/z"==1`, "name==a"), ["a", "b"]);
      await assertCode("invalidArgument", () => names("name="));
    },
  );

  await step(
    "list() gives every one of many images once, while others are added",
    async (images) => {
      const name = (n: number) => `image-${String(n).padStart(4, "0")}`;
      for (let n = 0; n < 450; n++) {
        await images.create(ctx, { name: name(n), target: fakeDescriptor(n) });
      }
      const seen: string[] = [];
      for await (const image of images.list(ctx)) {
        seen.push(image.name);
        if (seen.length === 10) await images.delete(ctx, name(0));
      }
      assertEquals(seen.length, 450);
      assertEquals(new Set(seen).size, 450);
      assert(seen.includes(name(449)));
    },
  );

  await step("delete() frees the name", async (images) => {
    const image = { name: "one", target: fakeDescriptor(1) };
    await images.create(ctx, image);
    await images.delete(ctx, "one");
    await assertCode("notFound", () => images.get(ctx, "one"));
    await images.create(ctx, image);
  });

  await step(
    "delete() throws notFound when the name points elsewhere",
    async (images) => {
      await images.create(ctx, { name: "one", target: fakeDescriptor(1) });
      await assertCode(
        "notFound",
        () => images.delete(ctx, "one", { target: fakeDescriptor(2) }),
      );
      await images.delete(ctx, "one", { target: fakeDescriptor(1) });
      await assertCode("notFound", () => images.get(ctx, "one"));
    },
  );
}
