/**
 * What a command makes is held until the command has ended: a snapshot whose
 * container has no record yet would be garbage, and the daemon collects at any
 * moment.
 */

import { background, cleanUp, type Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import type { LeaseManager } from "../../core/lease.ts";
import type { Snapshotter } from "../../core/snapshot.ts";

/** A command that is killed leaves its lease to daemons of others for so long. */
const LEASE_MS = 3_600_000;
const UNDO_BUDGET_MS = 5_000;

/** Makes a lease when there is something to hold. Disposing deletes it. */
export class Holder implements AsyncDisposable {
  readonly #leases: LeaseManager;
  readonly #held = new Map<string, Promise<string>>();

  constructor(leases: LeaseManager) {
    this.#leases = leases;
  }

  async hold(ctx: Context): Promise<Context> {
    if (ctx.leaseId !== undefined) return ctx;
    const { namespace } = ctx;
    const making = this.#held.get(namespace) ?? this.#lease(ctx);
    this.#held.set(namespace, making);
    return { ...ctx, leaseId: await making };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [namespace, making] of this.#held) {
      await cleanUp(background({ namespace }), UNDO_BUDGET_MS, async (ctx) => {
        try {
          await this.#leases.delete(ctx, await making);
        } catch (error) {
          if (!hasCode(error, "notFound", "unavailable")) throw error;
        }
      });
    }
  }

  async #lease(ctx: Context): Promise<string> {
    const { id } = await this.#leases.create(ctx, {
      expiresInMs: LEASE_MS,
      endsWith: "process",
    });
    return id;
  }
}

export function heldSnapshotter(
  snapshotter: Snapshotter,
  holder: Holder,
): Snapshotter {
  return {
    ...snapshotter,
    prepare: async (ctx, ...rest) =>
      await snapshotter.prepare(await holder.hold(ctx), ...rest),
    view: async (ctx, ...rest) =>
      await snapshotter.view(await holder.hold(ctx), ...rest),
  };
}
