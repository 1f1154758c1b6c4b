/** Layers that a backend has by itself, fetched from where it likes. */

import type { Context } from "../../base/context.ts";
import { EngineError, notFound } from "../../base/errors.ts";
import { LABEL } from "../../core/labels.ts";
import type { SnapshotInfo, Snapshotter } from "../../core/snapshot.ts";

/**
 * The snapshot that a backend has committed under a name of its own because
 * `prepare` was labelled with `containerd.io/snapshot.ref`.
 *
 * @param target value of that label
 * @param parent its name in the backend
 * @throws {EngineError} `notFound`
 */
export async function findTarget(
  ctx: Context,
  backend: Snapshotter,
  target: string,
  parent: string,
): Promise<SnapshotInfo> {
  const filter = `labels."${LABEL.snapshotRef}"==${JSON.stringify(target)}`;
  // Filters are a help that backends need not give.
  for await (const info of backend.walk(ctx, [filter])) {
    if (info.kind !== "committed" || info.parent !== parent) continue;
    if (info.labels[LABEL.snapshotRef] === target) return info;
  }
  throw notFound("target snapshot in the backend", target);
}

/** A name that is given once can't be there already. */
export function unexpected(name: string, error: EngineError): EngineError {
  return new EngineError(
    "unknown",
    `Cannot create snapshot "${name}": the backend has one that it was ` +
      `never asked for: ${error.message}`,
    { cause: error },
  );
}
