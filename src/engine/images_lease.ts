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
  const { id } = await leases.create(ctx, {
    expiresInMs: EXPIRES_IN_MS,
    endsWith: "process",
  });
  try {
    return await work({ ...ctx, leaseId: id });
  } finally {
    await cleanUp(
      ctx,
      RELEASE_BUDGET_MS,
      (fresh) => leases.delete(fresh, id, { collect: "later" }),
    );
  }
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
