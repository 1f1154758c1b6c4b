/** Leases in another process, and its collector, which obeys them. */

import {
  type Lease as WireLease,
  LeasesDefinition,
} from "../../../proto/gen/containerd/services/leases/v1/leases.ts";
import { LABEL } from "../../core/labels.ts";
import type { Lease, LeaseManager } from "../../core/lease.ts";
import type { GrpcClient } from "../../rpc/grpc/client.ts";
import { answered } from "./answers.ts";
import { grpcOptions as call } from "./grpc_options.ts";

/** What a lease needs that its client makes up. */
export interface RemoteLeasesDeps {
  readonly now: () => Date;
  readonly newId: () => string;
  /** This process, for a daemon of ours on the same machine; see `NewLease`. */
  readonly holder?: () => string;
}

export function remoteLeases(
  client: GrpcClient,
  { now, newId, holder }: RemoteLeasesDeps,
): LeaseManager {
  const leases = client.stub(LeasesDefinition);
  return {
    async create(ctx, wanted = {}) {
      const { id = newId(), labels = {}, expiresInMs, endsWith } = wanted;
      const until = (ms: number) => new Date(now().getTime() + ms);
      const expiry = expiresInMs === undefined
        ? {}
        : { [LABEL.gcExpire]: until(expiresInMs).toISOString() };
      const end = endsWith === undefined || holder === undefined
        ? {}
        : { [LABEL.leaseHolder]: holder() };
      const request = { id, labels: { ...labels, ...expiry, ...end } };
      const { lease } = await leases.create(request, call(ctx));
      return fromLease(answered(lease, "lease"));
    },
    async delete(ctx, id, { collect } = {}) {
      await leases.delete({ id, sync: collect === "synchronous" }, call(ctx));
    },
    async *list(ctx, filters = []) {
      const found = await leases.list({ filters: [...filters] }, call(ctx));
      for (const lease of found.leases) yield fromLease(lease);
    },
    async addResource(ctx, id, resource) {
      await leases.addResource({ id, resource: { ...resource } }, call(ctx));
    },
    async deleteResource(ctx, id, resource) {
      await leases.deleteResource({ id, resource: { ...resource } }, call(ctx));
    },
    async *listResources(ctx, id) {
      yield* (await leases.listResources({ id }, call(ctx))).resources;
    },
  };
}

function fromLease({ id, labels, createdAt }: WireLease): Lease {
  return { id, labels, createdAt: createdAt ?? new Date(0) };
}
