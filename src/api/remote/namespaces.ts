/** Tenants, as another process knows them. */

import { NamespacesDefinition } from "../../../proto/gen/containerd/services/namespaces/v1/namespace.ts";
import type { NamespaceStore } from "../../core/namespace.ts";
import type { GrpcClient } from "../../rpc/grpc/client.ts";
import { answered, maskOf } from "./answers.ts";
import { grpcOptions as call } from "./grpc_options.ts";

export function remoteNamespaces(client: GrpcClient): NamespaceStore {
  const namespaces = client.stub(NamespacesDefinition);
  return {
    async get(ctx, name) {
      const { namespace } = await namespaces.get({ name }, call(ctx));
      return answered(namespace, "namespace");
    },
    async *list(ctx) {
      const found = await namespaces.list({ filter: "" }, call(ctx));
      yield* found.namespaces;
    },
    async create(ctx, { name, labels }) {
      const namespace = { name, labels: { ...labels } };
      const made = await namespaces.create({ namespace }, call(ctx));
      return answered(made.namespace, "namespace");
    },
    async update(ctx, { name, labels }, fieldPaths) {
      const updateMask = maskOf(fieldPaths);
      const namespace = { name, labels: { ...labels } };
      await namespaces.update({ namespace, updateMask }, call(ctx));
      // What update itself answers is empty in containerd.
      const { namespace: now } = await namespaces.get({ name }, call(ctx));
      return answered(now, "namespace");
    },
    async delete(ctx, name) {
      await namespaces.delete({ name }, call(ctx));
    },
  };
}
