/** Tenants of the API. */

import {
  type Namespace as WireNamespace,
  NamespacesDefinition,
} from "../../../proto/gen/containerd/services/namespaces/v1/namespace.ts";
import { invalidArgument, unlessMissing } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { NamespaceStore } from "../../core/namespace.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";
import { fromLabels } from "../convert/labels.ts";
import { tenantlessContext } from "./api_context.ts";

export interface NamespacesServiceDeps {
  readonly namespaces: NamespaceStore;
  readonly log: Logger;
}

export function namespacesService(
  { namespaces, log }: NamespacesServiceDeps,
): GrpcService {
  const ctx = tenantlessContext(log);
  return grpcService(NamespacesDefinition, {
    async get(call, { name }) {
      // Every name is a namespace, to clients: one without labels so far.
      const found = await unlessMissing(namespaces.get(ctx(call), name));
      return { namespace: { name, labels: { ...found?.labels } } };
    },
    async list(call) {
      const found = await Array.fromAsync(namespaces.list(ctx(call)));
      return {
        namespaces: found.map(({ name, labels }) => ({
          name,
          labels: { ...labels },
        })),
      };
    },
    async create(call, { namespace }) {
      const wanted = given(namespace);
      await namespaces.create(ctx(call), wanted);
      return { namespace: wanted };
    },
    async update(call, { namespace, updateMask = [] }) {
      const wanted = given(namespace);
      if (updateMask.includes("labels")) {
        throw invalidArgument('Cannot update field "labels" as a whole', {
          hint: "Name each label, or leave the mask away",
        });
      }
      const labels = fromLabels(wanted.labels);
      const named = { name: wanted.name, labels };
      const known = namespaces.update(ctx(call), named, updateMask);
      if (await unlessMissing(known) === undefined) {
        await namespaces.create(ctx(call), named);
      }
      return { namespace: { name: "", labels: {} } };
    },
    async delete(call, { name }) {
      await namespaces.delete(ctx(call), name);
      return {};
    },
  });
}

function given(namespace: WireNamespace | undefined): WireNamespace {
  return namespace ?? { name: "", labels: {} };
}
