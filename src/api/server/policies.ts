/** Telling keepers what their containers' users want. */

import { PoliciesDefinition } from "../../../proto/gen/coracle/tasks/v1/policies.ts";
import type { Logger } from "../../base/log.ts";
import type { Services } from "../../core/services.ts";
import { retireKept, setKeptPolicy } from "../../engine/kept_policy.ts";
import { parseRestartPolicy } from "../../engine/options/restart.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";
import { apiContext } from "./api_context.ts";

export interface PoliciesServiceDeps {
  readonly services: Pick<Services, "bundles" | "tasks">;
  readonly log: Logger;
}

export function policiesService(
  { services, log }: PoliciesServiceDeps,
): GrpcService {
  const ctx = apiContext(log);
  return grpcService(PoliciesDefinition, {
    async retire(call, { id }) {
      return { kept: await retireKept(ctx(call), services, id) };
    },
    async setRestartPolicy(call, { id, policy }) {
      const wanted = parseRestartPolicy(policy);
      return { kept: await setKeptPolicy(ctx(call), services, id, wanted) };
    },
  });
}
