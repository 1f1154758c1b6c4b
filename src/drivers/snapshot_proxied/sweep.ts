/** Removes from a backend what no record names, children first. */

import type { Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import type { MetadataInventory } from "../../core/fsck.ts";
import type { LiveIds, SnapshotRecords } from "../../core/records.ts";
import type { Snapshotter } from "../../core/snapshot.ts";
import { foreignName, idIn } from "./names.ts";

export interface SweepOptions {
  /** Of the plugin. */
  readonly name: string;
  readonly backend: Snapshotter;
  readonly records: SnapshotRecords;
  readonly inventory: Pick<MetadataInventory, "walkSnapshots">;
  /**
   * `own`: only snapshots that have names of ours, since others may just
   * become known.
   */
  readonly scope: "own" | "all";
}

/** What the collector waits for one answer of a backend, milliseconds. */
const ANSWER_MS = 10_000;

/** Parents by the names of their children. */
type Tree = ReadonlyMap<string, string>;

/** @throws {EngineError} `unavailable` */
export async function sweep(
  ctx: Context,
  options: SweepOptions,
): Promise<void> {
  const parents = new Map<string, string>();
  // Listed first: the record of whatever is listed has been made before.
  for await (const { name, parent } of options.backend.walk(impatient(ctx))) {
    parents.set(name, parent);
  }
  const dead = findDead(ctx, options, [...parents.keys()]);
  for (const name of childrenFirst(parents, dead)) {
    ctx.signal.throwIfAborted();
    await removeOne(ctx, options, name);
  }
}

function findDead(
  ctx: Context,
  options: SweepOptions,
  names: readonly string[],
): ReadonlySet<string> {
  const own = deadIds(options, names);
  const foreign = options.scope === "own"
    ? []
    : names.filter((name) => idIn(name) === undefined);
  const suspects = new Set([...own, ...foreign]);
  if (suspects.size === 0) return suspects;
  return suspects.difference(foreignNames(ctx, options));
}

/** Names of ours whose record is gone. */
function deadIds(
  { records }: SweepOptions,
  names: readonly string[],
): readonly string[] {
  let dead: readonly string[] = [];
  records.withLiveIds((live: LiveIds) => {
    dead = names.filter((name) => {
      const id = idIn(name);
      return id !== undefined && !live.has(id);
    });
  });
  return dead;
}

/** Names of the backend's that some namespace has a record of. */
function foreignNames(
  ctx: Context,
  { name, records, inventory }: SweepOptions,
): ReadonlySet<string> {
  const known = new Set<string>();
  for (const stored of inventory.walkSnapshots()) {
    if (stored.snapshotter !== name) continue;
    const { namespace, name: key } = stored;
    const foreign = foreignName(records.get({ ...ctx, namespace }, key));
    if (foreign !== undefined) known.add(foreign);
  }
  return known;
}

/** A parent of what stays stays, too. */
function childrenFirst(
  parents: Tree,
  dead: ReadonlySet<string>,
): readonly string[] {
  const children = Map.groupBy(parents.keys(), (it) => parents.get(it) ?? "");
  const ordered: string[] = [];
  const visit = (name: string): boolean => {
    const below = (children.get(name) ?? []).map(visit);
    const isGoing = below.every((gone) => gone) && dead.has(name);
    if (isGoing) ordered.push(name);
    return isGoing;
  };
  for (const root of parents.keys()) {
    if (!parents.has(parents.get(root) ?? "")) visit(root);
  }
  return ordered;
}

async function removeOne(
  ctx: Context,
  { backend, name: snapshotter }: SweepOptions,
  name: string,
): Promise<void> {
  const asked = impatient(ctx);
  try {
    await backend.remove(asked, name);
  } catch (error) {
    if (hasCode(error, "notFound")) return;
    if (hasCode(error, "unavailable") || asked.signal.aborted) throw error;
    ctx.log.warn("Cannot remove a snapshot from its backend yet", {
      ...{ snapshotter, name, error },
    });
  }
}

/** One that hangs holds up nobody for long. */
function impatient(ctx: Context): Context {
  const signals = [ctx.signal, AbortSignal.timeout(ANSWER_MS)];
  return { ...ctx, signal: AbortSignal.any(signals) };
}
