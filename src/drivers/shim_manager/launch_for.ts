/** Starting the shim of a task of the daemon: ours, or one by its name. */

import type { LogLevel } from "../../base/log.ts";
import type { Host } from "../../core/host.ts";
import type { Bundle } from "../../core/task.ts";
import {
  type ShimProgram,
  writeEndpoint,
  writeShimCommand,
  writeShimPid,
} from "./bundle_files.ts";
import { type LaunchDeps, launchShim, type ShimCall } from "./launch.ts";
import type { OurShims } from "./our_shims.ts";
import { findShim } from "./runtime_name.ts";
import type { ShimEndpoint } from "./wire.ts";

export interface LaunchForDeps extends LaunchDeps {
  readonly host: Host;
  /** Of the socket that takes shims' events. */
  readonly eventsAddress: string;
  readonly ours: OurShims;
  /** This executable, called as a shim's program. */
  readonly ourProgram: ShimProgram;
  /** Which runtimes our own shim drives. */
  readonly isOurs: (runtime: string) => boolean;
  readonly logLevel: () => LogLevel;
}

/** @throws {EngineError} `failedPrecondition` if there is no such shim */
export async function launchFor(
  deps: LaunchForDeps,
  bundle: Bundle,
  runtime: string,
): Promise<ShimEndpoint> {
  if (deps.isOurs(runtime)) return await launchOurs(deps, bundle);
  const program = findShim(runtime, deps.host);
  return await launchShim(deps, { ...callOf(deps, bundle), program });
}

export function callOf(
  deps: Pick<LaunchForDeps, "eventsAddress" | "logLevel">,
  { record: { namespace, id }, path }: Bundle,
): Omit<ShimCall, "program"> {
  const { eventsAddress } = deps;
  const logLevel = shimLogLevel(deps);
  return { namespace, id, bundle: path, eventsAddress, logLevel };
}

/** Shims know two: they say all if we do. */
function shimLogLevel(
  { logLevel }: Pick<LaunchForDeps, "logLevel">,
): "debug" | "info" {
  return logLevel() === "debug" || logLevel() === "trace" ? "debug" : "info";
}

async function launchOurs(
  deps: LaunchForDeps,
  { record: { namespace, id }, path }: Bundle,
): Promise<ShimEndpoint> {
  const { ours, ourProgram, engineAddress, publishBinary } = deps;
  const socket = `${path}/shim.sock`;
  const endpoint: ShimEndpoint = { address: `unix://${socket}`, version: 3 };
  // Before there is a process, or nobody would find it if this one is killed.
  writeEndpoint(path, endpoint);
  writeShimCommand(path, ourProgram);
  const pid = await ours.start({
    ...{ namespace, id, socket, publishBinary },
    logLevel: shimLogLevel(deps),
    address: engineAddress,
    bundle: path,
  });
  writeShimPid(path, pid);
  return endpoint;
}
