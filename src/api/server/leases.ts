/** Leases: what clients hold against the collector. */

import {
  LeasesDefinition,
  type Resource,
} from "../../../proto/gen/containerd/services/leases/v1/leases.ts";
import { invalidArgument } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { Lease, LeaseManager } from "../../core/lease.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";
import { fromLabels } from "../convert/labels.ts";
import { apiContext } from "./api_context.ts";

export interface LeasesServiceDeps {
  readonly leases: LeaseManager;
  readonly log: Logger;
}

export function leasesService(
  { leases, log }: LeasesServiceDeps,
): GrpcService {
  const ctx = apiContext(log);
  return grpcService(LeasesDefinition, {
    async create(call, { id, labels }) {
      const lease = await leases.create(ctx(call), {
        labels: fromLabels(labels),
        ...id === "" ? {} : { id },
      });
      return { lease: toLease(lease) };
    },
    async delete(call, { id, sync }) {
      const collect = sync ? "synchronous" : "later";
      await leases.delete(ctx(call), id, { collect });
      return {};
    },
    async list(call, { filters }) {
      const found = leases.list(ctx(call), filters);
      return { leases: await Array.fromAsync(found, toLease) };
    },
    async addResource(call, { id, resource }) {
      await leases.addResource(ctx(call), id, given(resource));
      return {};
    },
    async deleteResource(call, { id, resource }) {
      await leases.deleteResource(ctx(call), id, given(resource));
      return {};
    },
    async listResources(call, { id }) {
      const found = leases.listResources(ctx(call), id);
      return { resources: await Array.fromAsync(found, (it) => ({ ...it })) };
    },
  });
}

function toLease({ id, createdAt, labels }: Lease) {
  return { id, createdAt, labels: { ...labels } };
}

function given(resource: Resource | undefined): Resource {
  if (resource !== undefined) return resource;
  throw invalidArgument("Cannot do without a resource");
}
