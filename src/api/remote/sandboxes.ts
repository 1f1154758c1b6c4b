/** Records of sandboxes in another process, if it keeps any. */

import { StoreDefinition } from "../../../proto/gen/containerd/services/sandbox/v1/sandbox.ts";
import type { Sandbox as WireSandbox } from "../../../proto/gen/containerd/types/sandbox.ts";
import type { Sandbox, SandboxStore } from "../../core/sandbox.ts";
import type { GrpcClient } from "../../rpc/grpc/client.ts";
import { fromSandbox, toNewSandbox } from "../convert/sandbox.ts";
import { answered } from "./answers.ts";
import { grpcOptions as call } from "./grpc_options.ts";

/** All throw `unimplemented` if it keeps none, as containerd 1.6. */
export function remoteSandboxes(client: GrpcClient): SandboxStore {
  const sandboxes = client.stub(StoreDefinition);
  return {
    async get(ctx, id) {
      const { sandbox } = await sandboxes.get({ sandboxId: id }, call(ctx));
      return sandboxOf(answered(sandbox, "sandbox"));
    },
    async *list(ctx, filters = []) {
      const { list } = await sandboxes
        .list({ filters: [...filters] }, call(ctx));
      for (const sandbox of list) yield sandboxOf(sandbox);
    },
    async create(ctx, wanted) {
      const request = { sandbox: toNewSandbox(wanted) };
      const { sandbox } = await sandboxes.create(request, call(ctx));
      return sandboxOf(answered(sandbox, "sandbox"));
    },
    async update(ctx, wanted, fieldPaths = []) {
      const request = {
        sandbox: toNewSandbox(wanted),
        fields: [...fieldPaths],
      };
      const { sandbox } = await sandboxes.update(request, call(ctx));
      return sandboxOf(answered(sandbox, "sandbox"));
    },
    async delete(ctx, id) {
      await sandboxes.delete({ sandboxId: id }, call(ctx));
    },
  };
}

function sandboxOf(sandbox: WireSandbox): Sandbox {
  const { createdAt, updatedAt } = sandbox;
  return {
    ...{ labels: {}, runtime: { name: "" }, extensions: {}, sandboxer: "" },
    ...fromSandbox(sandbox),
    createdAt: createdAt ?? new Date(0),
    updatedAt: updatedAt ?? new Date(0),
  };
}
