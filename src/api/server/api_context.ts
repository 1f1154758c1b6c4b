/** What a call to the daemon says of itself beside its request. */

import type { Context } from "../../base/context.ts";
import { failedPrecondition } from "../../base/errors.ts";
import { checkIdentifier } from "../../base/identifier.ts";
import type { Logger } from "../../base/log.ts";
import { firstValue } from "../../rpc/grpc/headers.ts";
import type { GrpcCall } from "../../rpc/grpc/method.ts";

const NAMESPACE = "containerd-namespace";
const LEASE = "containerd-lease";

/** Of a service all of whose methods are about one tenant. */
export type ApiContext = (call: GrpcCall) => Context;

/**
 * @returns what makes a context of a call
 * @throws {EngineError} `failedPrecondition` if the call names no namespace;
 * `invalidArgument` if its name is none
 */
export function apiContext(log: Logger): ApiContext {
  return (call) => {
    const namespace = firstValue(call.metadata, NAMESPACE);
    if (namespace === undefined || namespace === "") {
      throw failedPrecondition("namespace is required");
    }
    checkIdentifier("namespace", namespace);
    const leaseId = firstValue(call.metadata, LEASE);
    return {
      namespace,
      ...aboutCall(call, log),
      ...leaseId === undefined || leaseId === "" ? {} : { leaseId },
    };
  };
}

/** Of a service that is about no tenant, or about all of them. */
export function tenantlessContext(log: Logger): ApiContext {
  return (call) => ({
    namespace: firstValue(call.metadata, NAMESPACE) ?? "",
    ...aboutCall(call, log),
  });
}

function aboutCall(
  { signal, fields, span }: GrpcCall,
  log: Logger,
): Pick<Context, "signal" | "log" | "span"> {
  return {
    signal,
    log: fields === undefined ? log : log.with(fields),
    ...span === undefined ? {} : { span },
  };
}
