import type { Context } from "../base/context.ts";
import type { ContentStore, IngestStatus } from "../core/content.ts";
import { INGEST_KEPT_MS } from "../core/gc.ts";
import { LABEL } from "../core/labels.ts";
import type { LeaseManager } from "../core/lease.ts";
import type { UsageLine } from "./df.ts";

export interface IngestUsageDeps {
  readonly content: ContentStore;
  readonly leases: LeaseManager;
  readonly now: () => Date;
}

/**
 * Downloads that are not finished: active are those that the next pull of the
 * same content takes up again, and the others are garbage.
 */
export async function ingestsLine(
  ctx: Context,
  { content, leases, now }: IngestUsageDeps,
): Promise<UsageLine> {
  const all = await Array.fromAsync(content.listStatuses(ctx));
  const oldest = now().getTime() - INGEST_KEPT_MS;
  const stale = all.filter(({ updatedAt }) => updatedAt.getTime() <= oldest);
  const held = stale.length > 0
    ? await heldRefs(ctx, leases, now())
    : new Set();
  const garbage = stale.filter(({ ref }) => !held.has(ref));
  return {
    kind: "ingests",
    count: all.length,
    active: all.length - garbage.length,
    sizeBytes: bytes(all),
    reclaimableBytes: bytes(garbage),
  };
}

async function heldRefs(
  ctx: Context,
  leases: LeaseManager,
  now: Date,
): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  for await (const { id, labels } of leases.list(ctx)) {
    const expiry = labels[LABEL.gcExpire];
    if (expiry !== undefined && Date.parse(expiry) <= now.getTime()) continue;
    for await (const resource of leases.listResources(ctx, id)) {
      if (resource.type === "ingests") held.add(resource.id);
    }
  }
  return held;
}

function bytes(ingests: readonly IngestStatus[]): number {
  return ingests.reduce((total, { offset }) => total + offset, 0);
}
