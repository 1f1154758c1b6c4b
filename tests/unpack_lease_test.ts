/** What a pull that was killed has begun to unpack. */

import { assertEquals } from "@std/assert";
import { hasStaging } from "../src/core/snapshot.ts";
import { withStagingLease } from "../src/engine/unpack_lease.ts";
import { isThere } from "../src/sys/is_there.ts";
import { ctx, isRoot, openStore, removeStore } from "./pull_support.ts";

Deno.test({
  name: "withStagingLease() removes what was left, also when that was cut off",
  ignore: !isRoot,
  // The store's own symbols of libc stay open.
  sanitizeResources: false,
  fn: async () => {
    const path = await Deno.realPath(await Deno.makeTempDir());
    await using owned = new AsyncDisposableStack();
    owned.defer(() => removeStore(path));
    const store = owned.use(await openStore(path));
    const { services } = store.connection;
    const snapshotter = services.snapshotters.get("overlayfs");
    if (!snapshotter || !hasStaging(snapshotter)) throw new Error("No staging");
    const id = "unpack-killed";
    await services.leases.create(ctx, { id, endsWith: "process" });
    const left = await snapshotter.stage({ ...ctx, leaseId: id }, "stage-left");

    // Killed at it, it never gets further.
    const { promise: collecting, resolve } = Promise.withResolvers<void>();
    const dying = {
      ...services.collector,
      collect: () => new Promise<never>(() => resolve()),
    };
    void withStagingLease(
      ctx,
      { ...services, collector: dying },
      id,
      () => Promise.reject(new Error("It must not come so far")),
    );
    await collecting;
    assertEquals(isThere(left.path), true);

    const seen = await withStagingLease(
      ctx,
      services,
      id,
      () => Promise.resolve(isThere(left.path)),
    );
    assertEquals(seen, false);
    const leases = await Array.fromAsync(services.leases.list(ctx));
    assertEquals(leases, []);
  },
});
