/** How large containers are: what they wrote, and what they stand on. */

import type { Context } from "../base/context.ts";
import { hasCode } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import type { Services } from "../core/services.ts";
import type { Snapshotter } from "../core/snapshot.ts";

/** Bytes. */
export interface ContainerSize {
  /** Of the writable layer. */
  readonly writtenBytes: number;
  /** Of that and all layers below it, unpacked. */
  readonly totalBytes: number;
}

/**
 * Looks at one container after the other; layers that they share are looked at
 * once. Undefined for a container of a directory, or whose snapshot has gone.
 */
export type SizeReader = (
  ctx: Context,
  container: Pick<Container, "snapshotter" | "snapshotKey">,
) => Promise<ContainerSize | undefined>;

export function sizeReader(
  { snapshotters }: Pick<Services, "snapshotters">,
): SizeReader {
  const known = new Map<string, Map<string, number>>();
  return async (ctx, { snapshotter: name, snapshotKey }) => {
    const snapshotter = snapshotters.get(name);
    if (snapshotter === undefined || snapshotKey === "") return undefined;
    const sums = known.get(name) ?? new Map<string, number>();
    known.set(name, sums);
    try {
      const { sizeBytes } = await snapshotter.usage(ctx, snapshotKey);
      const { parent } = await snapshotter.stat(ctx, snapshotKey);
      const below = await chainBytes(ctx, snapshotter, parent, sums);
      return { writtenBytes: sizeBytes, totalBytes: sizeBytes + below };
    } catch (error) {
      if (hasCode(error, "notFound")) return undefined;
      throw error;
    }
  };
}

/** @param sums of each snapshot with those below it, added to */
async function chainBytes(
  ctx: Context,
  snapshotter: Snapshotter,
  name: string,
  sums: Map<string, number>,
): Promise<number> {
  if (name === "") return 0;
  const known = sums.get(name);
  if (known !== undefined) return known;
  const { parent } = await snapshotter.stat(ctx, name);
  const { sizeBytes } = await snapshotter.usage(ctx, name);
  const sum = sizeBytes + await chainBytes(ctx, snapshotter, parent, sums);
  sums.set(name, sum);
  return sum;
}
