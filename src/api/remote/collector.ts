/**
 * The collector of another process. The API has no call for it, but a lease
 * that is deleted synchronously is not gone before garbage is.
 */

import type { Context } from "../../base/context.ts";
import type { ContentStore } from "../../core/content.ts";
import type { GarbageCollector } from "../../core/gc.ts";
import type { LeaseManager } from "../../core/lease.ts";
import type { Snapshotter } from "../../core/snapshot.ts";

export interface RemoteCollectorDeps {
  readonly leases: LeaseManager;
  readonly content: ContentStore;
  readonly snapshotter: Snapshotter;
  readonly now: () => Date;
}

/** So that nothing is left of a lease whose client is killed. */
const LEASE_MS = 60_000;

/**
 * Its report has what is missing afterwards in the context's namespace and
 * snapshotter; what else was removed, the other side does not tell.
 */
export function remoteCollector(
  deps: RemoteCollectorDeps,
): Pick<GarbageCollector, "collect"> {
  return {
    async collect(ctx) {
      const before = await census(ctx, deps);
      const started = deps.now().getTime();
      const { id } = await deps.leases.create(ctx, { expiresInMs: LEASE_MS });
      await deps.leases.delete(ctx, id, { collect: "synchronous" });
      const durationMs = deps.now().getTime() - started;
      const after = await census(ctx, deps);
      return {
        contentRemoved: Math.max(0, before.content - after.content),
        snapshotsRemoved: Math.max(0, before.snapshots - after.snapshots),
        ingestsDropped: Math.max(0, before.ingests - after.ingests),
        leasesExpired: 0,
        imagesExpired: 0,
        bytesFreed: Math.max(0, before.bytes - after.bytes),
        durationMs,
      };
    },
  };
}

async function census(
  ctx: Context,
  { content, snapshotter }: RemoteCollectorDeps,
) {
  let [contents, bytes, snapshots, ingests] = [0, 0, 0, 0];
  for await (const { size } of content.walk(ctx)) {
    contents++;
    bytes += size;
  }
  for await (const { offset } of content.listStatuses(ctx)) {
    ingests++;
    bytes += offset;
  }
  for await (const _ of snapshotter.walk(ctx)) snapshots++;
  return { content: contents, bytes, snapshots, ingests };
}
