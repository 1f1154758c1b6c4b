/** Finding the running daemon of a store, and asking it about itself. */

import { IntrospectionDefinition } from "../../proto/gen/containerd/services/introspection/v1/introspection.ts";
import {
  fromPlugin,
  type ReportedPlugin,
} from "../api/convert/introspection.ts";
import { hasCode, unavailable } from "../base/errors.ts";
import { GrpcClient } from "../rpc/grpc/client.ts";

export type { ReportedPlugin };

/**
 * @param filters of which one must match
 * @throws {EngineError} `unavailable` if no daemon answers there
 */
export async function askPlugins(
  address: string,
  filters: readonly string[],
): Promise<readonly ReportedPlugin[]> {
  await checkAnswers(address);
  await using client = new GrpcClient({ path: address });
  const stub = client.stub(IntrospectionDefinition);
  try {
    const { plugins } = await stub.plugins({ filters: [...filters] });
    return plugins.map(fromPlugin);
  } catch (error) {
    if (hasCode(error, "unavailable")) throw noDaemon(address, error);
    throw error;
  }
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
