import type { Context } from "../../base/context.ts";
import { alreadyExists, hasCode } from "../../base/errors.ts";
import type { LeaseManager } from "../../core/lease.ts";
import type { SnapshotRecord, SnapshotRecords } from "../../core/records.ts";
import { backendName } from "./names.ts";

export interface KnownSnapshotsDeps {
  /** Of the plugin. */
  readonly name: string;
  readonly records: SnapshotRecords;
  readonly leases: Pick<LeaseManager, "addResource">;
}

/** Questions about what is recorded. */
export class KnownSnapshots {
  readonly #deps: KnownSnapshotsDeps;

  constructor(deps: KnownSnapshotsDeps) {
    this.#deps = deps;
  }

  find(ctx: Context, key: string): SnapshotRecord | undefined {
    try {
      return this.#deps.records.get(ctx, key);
    } catch (error) {
      if (hasCode(error, "notFound")) return undefined;
      throw error;
    }
  }

  /**
   * What the backend calls it.
   * @throws {EngineError} `notFound`
   */
  backendName(ctx: Context, key: string): string {
    return backendName(ctx.namespace, this.#deps.records.get(ctx, key));
  }

  /** @throws {EngineError} `alreadyExists` if there is one, then leased */
  async refuse(ctx: Context, key: string): Promise<void> {
    if (this.find(ctx, key) === undefined) return;
    const { leases, name } = this.#deps;
    if (ctx.leaseId !== undefined) {
      const resource = { type: `snapshots/${name}`, id: key };
      await leases.addResource(ctx, ctx.leaseId, resource);
    }
    // It may have been collected before it was held.
    if (this.find(ctx, key) !== undefined) throw alreadyExists("snapshot", key);
  }

  /** Removes the record of what the backend did not make. */
  undo(ctx: Context, { id, name }: SnapshotRecord, reason: unknown): void {
    if (this.find(ctx, name)?.id !== id) return;
    try {
      this.#deps.records.remove(ctx, name);
    } catch (error) {
      ctx.log.warn("Cannot undo a snapshot", { key: name, error, reason });
    }
  }
}
