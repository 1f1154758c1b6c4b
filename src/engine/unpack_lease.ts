import { cleanUp, type Context } from "../base/context.ts";
import { hasCode } from "../base/errors.ts";
import type { Services } from "../core/services.ts";

/** After this, what nobody came back for goes. */
const EXPIRES_IN_MS = 24 * 60 * 60 * 1000;
const RELEASE_BUDGET_MS = 30_000;

/**
 * Runs `work` with a lease for what is only of use until it ends. The caller
 * holds a lock of the same meaning as `id`: a lease that exists already was
 * left by a process that died, and what it holds is collected first.
 */
export async function withStagingLease<T>(
  ctx: Context,
  { leases, collector }: Pick<Services, "leases" | "collector">,
  id: string,
  work: () => Promise<T>,
): Promise<T> {
  const create = () =>
    leases.create(ctx, {
      id,
      expiresInMs: EXPIRES_IN_MS,
      endsWith: "process",
    });
  try {
    await create();
  } catch (error) {
    if (!hasCode(error, "alreadyExists")) throw error;
    ctx.log.debug("Removing what a dead process left", { lease: id });
    // Ours is there before anything is collected: should this process die at
    // that, the next one sees it.
    await leases.delete(ctx, id, { collect: "later" });
    await create();
    await collector.collect(ctx);
  }
  try {
    return await work();
  } finally {
    await cleanUp(
      ctx,
      RELEASE_BUDGET_MS,
      (fresh) => leases.delete(fresh, id, { collect: "later" }),
    );
  }
}
