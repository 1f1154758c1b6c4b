/** What every lease manager must do; what leases protect is in gc.ts. */

import { assert, assertEquals } from "@std/assert";
import { LABEL } from "../labels.ts";
import type { LeaseManager, LeaseResource } from "../lease.ts";
import { assertCode, collect } from "./assert.ts";
import { ctx, fakeDigest, other } from "./fixtures.ts";

export type OpenLeaseManager = () => Promise<
  AsyncDisposable & { readonly leases: LeaseManager }
>;

export async function leaseManagerSuite(
  t: Deno.TestContext,
  open: OpenLeaseManager,
): Promise<void> {
  const step = (name: string, body: (leases: LeaseManager) => Promise<void>) =>
    t.step(name, async () => {
      await using opened = await open();
      await body(opened.leases);
    });

  await step("create() makes up an id and sets the expiry", async (leases) => {
    const one = await leases.create(ctx);
    const two = await leases.create(ctx, { expiresInMs: 3_600_000 });
    assert(one.id !== "" && one.id !== two.id);
    const expiry = Date.parse(two.labels[LABEL.gcExpire] ?? "");
    assertEquals(expiry - two.createdAt.getTime(), 3_600_000);
    assertEquals(one.labels, {});
  });

  await step(
    "create() throws alreadyExists for an id in use",
    async (leases) => {
      await leases.create(ctx, { id: "l" });
      await assertCode("alreadyExists", () => leases.create(ctx, { id: "l" }));
      await leases.create(other, { id: "l" });
    },
  );

  await step("list() filters by id and label", async (leases) => {
    await leases.create(ctx, { id: "a", labels: { k: "1" } });
    await leases.create(ctx, { id: "b" });
    await leases.create(other, { id: "c" });
    const ids = async (...filters: string[]) =>
      (await collect(leases.list(ctx, filters))).map(({ id }) => id);
    assertEquals(await ids(), ["a", "b"]);
    assertEquals(await ids("id==b"), ["b"]);
    assertEquals(await ids("labels.k==1"), ["a"]);
  });

  await step(
    "addResource() and deleteResource() change what listResources() gives",
    async (leases) => {
      await leases.create(ctx, { id: "l" });
      const resources: LeaseResource[] = [
        { type: "content", id: fakeDigest(1) },
        { type: "ingests", id: "ref" },
        { type: "snapshots/overlay", id: "key" },
      ];
      for (const resource of resources) {
        await leases.addResource(ctx, "l", resource);
        await leases.addResource(ctx, "l", resource);
      }
      assertEquals(await collect(leases.listResources(ctx, "l")), resources);
      for (const resource of resources.slice(0, 2)) {
        await leases.deleteResource(ctx, "l", resource);
      }
      assertEquals(
        await collect(leases.listResources(ctx, "l")),
        resources.slice(2),
      );
    },
  );

  await step(
    "methods throw notFound when the lease is unknown",
    async (leases) => {
      await leases.create(other, { id: "l" });
      const resource = { type: "content", id: fakeDigest(1) };
      await assertCode("notFound", () => leases.delete(ctx, "l"));
      await assertCode(
        "notFound",
        () => leases.addResource(ctx, "l", resource),
      );
      await assertCode(
        "notFound",
        () => leases.deleteResource(ctx, "l", resource),
      );
      await assertCode(
        "notFound",
        () => collect(leases.listResources(ctx, "l")),
      );
    },
  );

  await step(
    "addResource() throws for what the collector doesn't know",
    async (leases) => {
      await leases.create(ctx, { id: "l" });
      const add = (type: string, id: string) => () =>
        leases.addResource(ctx, "l", { type, id });
      for (const type of ["", "volumes", "volumes/x"]) {
        await assertCode("unimplemented", add(type, "x"));
      }
      const kinds = ["snapshots", "snapshots/", "snapshots/a/b", "content/x"];
      for (const type of [...kinds, "ingests/x"]) {
        await assertCode("invalidArgument", add(type, fakeDigest(1)));
      }
      await assertCode("invalidArgument", add("content", "no digest"));
      await assertCode("invalidArgument", add("ingests", ""));
      assertEquals(await collect(leases.listResources(ctx, "l")), []);
    },
  );
}
