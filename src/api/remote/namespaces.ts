/** Tenants, as another process knows them. */

import { NamespacesDefinition } from "../../../proto/gen/containerd/services/namespaces/v1/namespace.ts";
import type { Context } from "../../base/context.ts";
import { notFound } from "../../base/errors.ts";
import type { NamespaceStore } from "../../core/namespace.ts";
import type { GrpcClient } from "../../rpc/grpc/client.ts";
import { answered, maskOf } from "./answers.ts";
import { grpcOptions as call } from "./grpc_options.ts";

export function remoteNamespaces(client: GrpcClient): NamespaceStore {
  const namespaces = client.stub(NamespacesDefinition);
  const list = async (ctx: Context) =>
    (await namespaces.list({ filter: "" }, call(ctx))).namespaces;
  // What `get` answers for one that is not there is one without labels.
  const get = async (ctx: Context, name: string) => {
    const found = (await list(ctx)).find((it) => it.name === name);
    if (found === undefined) throw notFound("namespace", name);
    return found;
  };
  return {
    get,
    async *list(ctx) {
      yield* await list(ctx);
    },
    async create(ctx, { name, labels }) {
      const namespace = { name, labels: { ...labels } };
      const made = await namespaces.create({ namespace }, call(ctx));
      return answered(made.namespace, "namespace");
    },
    async update(ctx, { name, labels }, fieldPaths) {
      // It would be made.
      await get(ctx, name);
      const updateMask = maskOf(fieldPaths);
      const namespace = { name, labels: { ...labels } };
      await namespaces.update({ namespace, updateMask }, call(ctx));
      // What update itself answers is empty in containerd.
      return await get(ctx, name);
    },
    async delete(ctx, name) {
      await namespaces.delete({ name }, call(ctx));
    },
  };
}
