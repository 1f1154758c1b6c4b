/** A lease for the time of one piece of work. */

import { cleanUp, type Context } from "../base/context.ts";
import type { Digest } from "../base/digest.ts";
import type { LeaseManager } from "../core/lease.ts";

/** For who can't tell whether its process has died. */
const EXPIRES_IN_MS = 24 * 60 * 60 * 1000;

const RELEASE_BUDGET_MS = 10_000;

/**
 * Runs `work` in a context whose lease holds all that it creates, and lets go
 * of it afterwards; what is then not part of an image will be collected.
 */
export async function withLease<T>(
  ctx: Context,
  leases: LeaseManager,
  work: (ctx: Context) => Promise<T>,
): Promise<T> {
  if (ctx.leaseId !== undefined) return await work(ctx);
  await using lease = await openLease(ctx, leases);
  return await work({ ...ctx, leaseId: lease.id });
}

/** Holds content, and what its labels name, while it is read. */
export async function* whileHeld<T>(
  ctx: Context,
  leases: LeaseManager,
  digests: Iterable<Digest>,
  read: (ctx: Context) => AsyncIterable<T>,
): AsyncGenerator<T> {
  await using lease = await openLease(ctx, leases);
  const leased = { ...ctx, leaseId: lease.id };
  for (const digest of digests) await holdContent(leased, leases, digest);
  yield* read(leased);
}

async function openLease(
  ctx: Context,
  leases: LeaseManager,
): Promise<AsyncDisposable & { readonly id: string }> {
  const { id } = await leases.create(ctx, {
    expiresInMs: EXPIRES_IN_MS,
    endsWith: "process",
  });
  return {
    id,
    [Symbol.asyncDispose]: () =>
      cleanUp(
        ctx,
        RELEASE_BUDGET_MS,
        (fresh) => leases.delete(fresh, id, { collect: "later" }),
      ),
  };
}

/**
 * Lets the context's lease hold content that was there before, so that it is
 * not collected before an image refers to it.
 */
export async function holdContent(
  ctx: Context,
  leases: LeaseManager,
  digest: Digest,
): Promise<void> {
  if (ctx.leaseId === undefined) return;
  await leases.addResource(ctx, ctx.leaseId, { id: digest, type: "content" });
}

/** The same for a snapshot and all that it is built on. */
export async function holdSnapshot(
  ctx: Context,
  leases: LeaseManager,
  snapshotter: string,
  name: string,
): Promise<void> {
  if (ctx.leaseId === undefined) return;
  const resource = { id: name, type: `snapshots/${snapshotter}` };
  await leases.addResource(ctx, ctx.leaseId, resource);
}
