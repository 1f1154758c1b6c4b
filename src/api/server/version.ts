/** The version of the daemon. */

import { VersionDefinition } from "../../../proto/gen/containerd/services/version/v1/version.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";

export interface VersionFacts {
  readonly version: string;
  /** What it was built from; empty if nobody knows. */
  readonly revision: string;
}

export function versionService(facts: VersionFacts): GrpcService {
  return grpcService(VersionDefinition, {
    version: () => Promise.resolve({ ...facts }),
  });
}
