/** A snapshotter in another process, whose mounts are valid on this host. */

import { SnapshotsDefinition } from "../../../proto/gen/containerd/services/snapshots/v1/snapshots.ts";
import type { CleaningSnapshotter } from "../../core/snapshot.ts";
import type { GrpcClient } from "../../rpc/grpc/client.ts";
import { fromMount } from "../convert/mounts.ts";
import { fromSnapshot, toSnapshot } from "../convert/snapshots.ts";
import { answered, maskOf } from "./answers.ts";
import { grpcOptions as call } from "./grpc_options.ts";

/** @param snapshotter which of those over there */
export function remoteSnapshotter(
  client: GrpcClient,
  snapshotter: string,
): CleaningSnapshotter {
  const snapshots = client.stub(SnapshotsDefinition);
  return {
    async stat(ctx, key) {
      const { info } = await snapshots.stat({ snapshotter, key }, call(ctx));
      return fromSnapshot(answered(info, "snapshot"));
    },
    async update(ctx, { name, labels }, fieldPaths) {
      const updateMask = maskOf(fieldPaths);
      const info = updateInfo(name, labels);
      const request = { snapshotter, info, updateMask };
      const answer = await snapshots.update(request, call(ctx));
      return fromSnapshot(answered(answer.info, "snapshot"));
    },
    async usage(ctx, key) {
      const used = await snapshots.usage({ snapshotter, key }, call(ctx));
      return { inodes: Number(used.inodes), sizeBytes: Number(used.size) };
    },
    async mounts(ctx, key) {
      const { mounts } = await snapshots
        .mounts({ snapshotter, key }, call(ctx));
      return mounts.map(fromMount);
    },
    async prepare(ctx, key, parent, { labels = {} } = {}) {
      const request = { snapshotter, key, parent, labels: { ...labels } };
      const { mounts } = await snapshots.prepare(request, call(ctx));
      return mounts.map(fromMount);
    },
    async view(ctx, key, parent, { labels = {} } = {}) {
      const request = { snapshotter, key, parent, labels: { ...labels } };
      const { mounts } = await snapshots.view(request, call(ctx));
      return mounts.map(fromMount);
    },
    async commit(ctx, name, key, { labels = {} } = {}) {
      const all = { labels: { ...labels }, parent: "" };
      await snapshots.commit({ snapshotter, name, key, ...all }, call(ctx));
    },
    async remove(ctx, key) {
      await snapshots.remove({ snapshotter, key }, call(ctx));
    },
    async *walk(ctx, filters = []) {
      const request = { snapshotter, filters: [...filters] };
      for await (const { info } of snapshots.list(request, call(ctx))) {
        for (const it of info) yield fromSnapshot(it);
      }
    },
    async cleanup(ctx) {
      await snapshots.cleanup({ snapshotter }, call(ctx));
    },
  };
}

/** Only the labels of what there is are changed. */
function updateInfo(name: string, labels: Readonly<Record<string, string>>) {
  const epoch = new Date(0);
  return {
    ...toSnapshot({
      ...{ kind: "active", name, parent: "", labels },
      ...{ createdAt: epoch, updatedAt: epoch },
    }),
    createdAt: undefined,
    updatedAt: undefined,
  };
}
