/** The services of the API, each a plugin that opens what is served. */

import { versionService } from "../../api/server/version.ts";
import type { GrpcService } from "../../rpc/grpc/service.ts";
import { VERSION } from "../self.ts";
import {
  type Plugin,
  plugin,
  type PluginHost,
  type PluginKey,
} from "./plugin.ts";

/** Of plugins whose value is a list of services. */
export const GRPC_TYPE = "io.containerd.grpc.v1";

type Served = readonly GrpcService[];

function served(
  id: string,
  requires: readonly PluginKey<unknown>[],
  open: (host: PluginHost) => Served | Promise<Served>,
): Plugin {
  return plugin<Served>({ type: GRPC_TYPE, id }, requires, open);
}

export const grpcPlugins: readonly Plugin[] = [
  served("version", [], () => [versionService(VERSION)]),
];
