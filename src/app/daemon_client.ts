/** Finding the running daemon of a store, and asking it about itself. */

import { IntrospectionDefinition } from "../../proto/gen/containerd/services/introspection/v1/introspection.ts";
import { VersionDefinition } from "../../proto/gen/containerd/services/version/v1/version.ts";
import {
  fromPlugin,
  type ReportedPlugin,
} from "../api/convert/introspection.ts";
import { hasCode, unavailable } from "../base/errors.ts";
import { GrpcClient } from "../rpc/grpc/client.ts";
import { socketPath } from "./remote/socket_path.ts";

export type { ReportedPlugin };

/**
 * @param address `/run/containerd/containerd.sock`, or with `unix://` before it
 * @param filters of which one must match
 * @throws {EngineError} `unavailable` if no daemon answers there
 */
export async function askPlugins(
  address: string,
  filters: readonly string[],
): Promise<readonly ReportedPlugin[]> {
  const path = await socketPath(address);
  await checkAnswers(path);
  await using client = new GrpcClient({ path });
  const stub = client.stub(IntrospectionDefinition);
  try {
    const { plugins } = await stub.plugins({ filters: [...filters] });
    return plugins.map(fromPlugin);
  } catch (error) {
    if (hasCode(error, "unavailable")) throw noDaemon(address, error);
    throw error;
  }
}

/**
 * What the daemon says of itself.
 * @param address as of `askPlugins`
 * @throws {EngineError} `unavailable` if no daemon answers there
 */
export async function askVersion(address: string): Promise<string> {
  const path = await socketPath(address);
  await checkAnswers(path);
  await using client = new GrpcClient({ path });
  const { version } = await client.stub(VersionDefinition).version({});
  return version;
}

async function checkAnswers(address: string): Promise<void> {
  try {
    const connection = await Deno.connect({ transport: "unix", path: address });
    connection.close();
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) throw error;
    throw noDaemon(address, error);
  }
}

function noDaemon(address: string, cause: unknown) {
  return unavailable(`Cannot find a daemon at "${address}"`, {
    cause,
    hint: 'Start one with "coracle daemon", or name its socket with --address',
  });
}
