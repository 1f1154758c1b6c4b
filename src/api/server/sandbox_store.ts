/** Records of sandboxes. */

import { StoreDefinition } from "../../../proto/gen/containerd/services/sandbox/v1/sandbox.ts";
import type { SandboxStore } from "../../core/sandbox.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";
import { fromSandbox, toSandbox } from "../convert/sandbox.ts";
import type { ApiContext } from "./api_context.ts";

export interface SandboxStoreDeps {
  readonly sandboxes: SandboxStore;
  readonly context: ApiContext;
}

export function sandboxStoreService(
  { sandboxes, context }: SandboxStoreDeps,
): GrpcService {
  return grpcService(StoreDefinition, {
    async create(call, { sandbox }) {
      const created = await sandboxes.create(
        context(call),
        fromSandbox(sandbox),
      );
      return { sandbox: toSandbox(created) };
    },
    async update(call, { sandbox, fields }) {
      const ctx = context(call);
      const wanted = fromSandbox(sandbox);
      const updated = await sandboxes.update(ctx, wanted, fields);
      return { sandbox: toSandbox(updated) };
    },
    async delete(call, { sandboxId }) {
      await sandboxes.delete(context(call), sandboxId);
      return {};
    },
    async list(call, { filters }) {
      const found = sandboxes.list(context(call), filters);
      return { list: (await Array.fromAsync(found)).map(toSandbox) };
    },
    async get(call, { sandboxId }) {
      const sandbox = await sandboxes.get(context(call), sandboxId);
      return { sandbox: toSandbox(sandbox) };
    },
  });
}
