/** Removes from a backend what no record names. */

import type { Context } from "../../base/context.ts";
import type { Digest } from "../../base/digest.ts";
import { unlessMissing } from "../../base/errors.ts";
import type { Gate } from "../../base/gate.ts";
import type { ContentStore } from "../../core/content.ts";
import type { LeaseManager } from "../../core/lease.ts";
import type { ContentInventory } from "../../core/records.ts";
import { parseBackendRef } from "./refs.ts";

export interface SweepDeps {
  readonly backend: ContentStore;
  readonly records: ContentInventory;
  readonly leases: Pick<LeaseManager, "list" | "listResources">;
  readonly gate: Gate;
  readonly now: () => Date;
}

/** What the collector waits for one answer of a backend, milliseconds. */
const ANSWER_MS = 10_000;

/** An ingest that no lease holds is dropped when untouched for so long. */
const INGEST_MS = 24 * 60 * 60 * 1000;

/** All that the backend has, whoever made it, and no record names. */
export async function findUnrecorded(
  ctx: Context,
  { backend, records }: SweepDeps,
): Promise<readonly Digest[]> {
  const found: Digest[] = [];
  for await (const { digest } of backend.walk(ctx)) {
    if (!records.knows(digest)) found.push(digest);
  }
  return found;
}

/**
 * Removes a blob from the backend, unless it has been recorded meanwhile.
 * @throws {EngineError} `unavailable`
 */
export async function removeUnrecorded(
  ctx: Context,
  { backend, records, gate }: SweepDeps,
  digest: Digest,
): Promise<void> {
  const asked = impatient(ctx);
  using _alone = await gate.close(asked.signal);
  if (records.knows(digest)) return;
  await unlessMissing(backend.delete(asked, digest));
}

/** Drops ingests that nobody goes on with. */
export async function removeStaleIngests(
  ctx: Context,
  deps: SweepDeps,
): Promise<void> {
  const { backend, now } = deps;
  const oldest = now().getTime() - INGEST_MS;
  for await (const { ref: name, updatedAt } of backend.listStatuses(ctx)) {
    const ours = parseBackendRef(name);
    if (ours === undefined || updatedAt.getTime() > oldest) continue;
    if (await isLeased(ctx, deps, ours)) continue;
    await unlessMissing(backend.abort(impatient(ctx), name));
  }
}

async function isLeased(
  ctx: Context,
  { leases }: SweepDeps,
  { namespace, ref }: { readonly namespace: string; readonly ref: string },
): Promise<boolean> {
  const within = { ...ctx, namespace };
  for await (const { id } of leases.list(within)) {
    for await (const resource of leases.listResources(within, id)) {
      if (resource.type === "ingests" && resource.id === ref) return true;
    }
  }
  return false;
}

/** One that hangs holds up nobody for long. */
function impatient(ctx: Context): Context {
  const signals = [ctx.signal, AbortSignal.timeout(ANSWER_MS)];
  return { ...ctx, signal: AbortSignal.any(signals) };
}
