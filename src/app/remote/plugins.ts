/** What a daemon is made of, as it says itself. */

import { IntrospectionDefinition } from "../../../proto/gen/containerd/services/introspection/v1/introspection.ts";
import { VersionDefinition } from "../../../proto/gen/containerd/services/version/v1/version.ts";
import { grpcOptions } from "../../api/remote/grpc_options.ts";
import type { Context } from "../../base/context.ts";
import type { GrpcClient } from "../../rpc/grpc/client.ts";
import type { RestartMonitorFacts } from "./restarts.ts";
import { unusableDaemon } from "./unusable.ts";

const SNAPSHOTTER_TYPE = "io.containerd.snapshotter.v1";

/**
 * Names of those that work. The first call to a daemon: it tells whether there
 * is one.
 */
export async function findSnapshotters(
  ctx: Context,
  client: GrpcClient,
  address: string,
): Promise<readonly string[]> {
  try {
    const plugins = await working(ctx, client, `type==${SNAPSHOTTER_TYPE}`);
    return plugins.map(({ id }) => id);
  } catch (cause) {
    throw unusableDaemon(address, cause);
  }
}

/** Undefined if there is none. */
export async function findMonitor(
  ctx: Context,
  client: GrpcClient,
): Promise<RestartMonitorFacts | undefined> {
  const [monitor] = await working(ctx, client, "id==restart");
  if (monitor === undefined) return undefined;
  const { version } = await client.stub(VersionDefinition)
    .version({}, grpcOptions(ctx));
  return {
    policies: monitor.capabilities,
    // Containerd 1 makes them none, and they don't start.
    terminals: /^v?1\./.test(version) ? "lost" : "kept",
  };
}

async function working(ctx: Context, client: GrpcClient, filter: string) {
  const { plugins } = await client.stub(IntrospectionDefinition)
    .plugins({ filters: [filter] }, grpcOptions(ctx));
  return plugins.filter(({ initErr }) => initErr === undefined);
}
