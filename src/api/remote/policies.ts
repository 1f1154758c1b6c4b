/** Keepers of our own daemon's store, which restart their containers. */

import { PoliciesDefinition } from "../../../proto/gen/coracle/tasks/v1/policies.ts";
import type { Context } from "../../base/context.ts";
import { hasCode } from "../../base/errors.ts";
import type { GrpcClient } from "../../rpc/grpc/client.ts";
import { grpcOptions as call } from "./grpc_options.ts";

export interface RemotePolicies {
  /**
   * The user is about to end it.
   * @returns false if no such keeper has it
   */
  retire(ctx: Context, id: string): Promise<boolean>;
  /** As `retire`. @param policy as users write it */
  set(ctx: Context, id: string, policy: string): Promise<boolean>;
}

export function remotePolicies(client: GrpcClient): RemotePolicies {
  const policies = client.stub(PoliciesDefinition);
  return {
    retire: (ctx, id) => isKept(policies.retire({ id }, call(ctx))),
    set: (ctx, id, policy) =>
      isKept(policies.setRestartPolicy({ id, policy }, call(ctx))),
  };
}

/** Containerd has none. */
async function isKept(
  answer: Promise<{ readonly kept: boolean }>,
): Promise<boolean> {
  try {
    return (await answer).kept;
  } catch (error) {
    if (hasCode(error, "unimplemented")) return false;
    throw error;
  }
}
