/** Snapshots of each snapshotter, by its name. */

import {
  type ListSnapshotsRequest,
  SnapshotsDefinition,
} from "../../../proto/gen/containerd/services/snapshots/v1/snapshots.ts";
import type { Context } from "../../base/context.ts";
import { invalidArgument, unimplemented } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { hasCleanup, type Snapshotter } from "../../core/snapshot.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";
import { fromLabels } from "../convert/labels.ts";
import { toMount } from "../convert/mounts.ts";
import { fromSnapshotUpdate, toSnapshot } from "../convert/snapshots.ts";
import { apiContext } from "./api_context.ts";

export interface SnapshotsServiceDeps {
  /** By the names that clients use. */
  readonly snapshotters: ReadonlyMap<string, Snapshotter>;
  readonly log: Logger;
}

/** Of one message of a list. */
const MOST_INFOS = 100;

export function snapshotsService(
  { snapshotters, log }: SnapshotsServiceDeps,
): GrpcService {
  const ctx = apiContext(log);
  const of = (name: string) => choose(snapshotters, name);
  return grpcService(SnapshotsDefinition, {
    async prepare(call, { snapshotter, key, parent, labels }) {
      const options = { labels: fromLabels(labels) };
      const mounts = await of(snapshotter)
        .prepare(ctx(call), key, parent, options);
      return { mounts: mounts.map(toMount) };
    },
    async view(call, { snapshotter, key, parent, labels }) {
      const options = { labels: fromLabels(labels) };
      const mounts = await of(snapshotter)
        .view(ctx(call), key, parent, options);
      return { mounts: mounts.map(toMount) };
    },
    async mounts(call, { snapshotter, key }) {
      const mounts = await of(snapshotter).mounts(ctx(call), key);
      return { mounts: mounts.map(toMount) };
    },
    async commit(call, { snapshotter, name, key, labels, parent }) {
      if (parent !== "") throw unimplemented("commit a snapshot on a parent");
      const options = { labels: fromLabels(labels) };
      await of(snapshotter).commit(ctx(call), name, key, options);
      return {};
    },
    async remove(call, { snapshotter, key }) {
      await of(snapshotter).remove(ctx(call), key);
      return {};
    },
    stat: async (call, { snapshotter, key }) => ({
      info: toSnapshot(await of(snapshotter).stat(ctx(call), key)),
    }),
    async update(call, { snapshotter, info, updateMask }) {
      const wanted = fromSnapshotUpdate(info);
      const updated = await of(snapshotter)
        .update(ctx(call), wanted, updateMask);
      return { info: toSnapshot(updated) };
    },
    list: (call, request) => list(ctx(call), of(request.snapshotter), request),
    async usage(call, { snapshotter, key }) {
      const used = await of(snapshotter).usage(ctx(call), key);
      return { size: BigInt(used.sizeBytes), inodes: BigInt(used.inodes) };
    },
    async cleanup(call, { snapshotter }) {
      const cleaning = of(snapshotter);
      if (!hasCleanup(cleaning)) throw unimplemented("clean up snapshots");
      await cleaning.cleanup(ctx(call));
      return {};
    },
  });
}

function choose(
  snapshotters: ReadonlyMap<string, Snapshotter>,
  name: string,
): Snapshotter {
  const found = snapshotters.get(name);
  if (found !== undefined) return found;
  throw invalidArgument(`Cannot use snapshotter "${name}": there is none`, {
    hint: `There are ${[...snapshotters.keys()].join(", ")}`,
  });
}

async function* list(
  ctx: Context,
  snapshotter: Snapshotter,
  { filters }: ListSnapshotsRequest,
) {
  let info = [];
  for await (const snapshot of snapshotter.walk(ctx, filters)) {
    info.push(toSnapshot(snapshot));
    if (info.length < MOST_INFOS) continue;
    yield { info };
    info = [];
  }
  if (info.length > 0) yield { info };
}
