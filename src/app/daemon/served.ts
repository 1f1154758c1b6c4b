/** Plugins of the API's services. */

import type { GrpcService, ServedService } from "../../rpc/grpc/service.ts";
import {
  type Plugin,
  plugin,
  type PluginHost,
  type PluginKey,
} from "./plugin.ts";

/** Of plugins whose value is a service. */
export const GRPC_TYPE = "io.containerd.grpc.v1";

/** A service that is loaded when it is first called. */
export interface Service {
  /** Its full name: `containerd.services.containers.v1.Containers` */
  readonly name: string;
  readonly requires?: readonly PluginKey<unknown>[];
  readonly load: (host: PluginHost) => Promise<GrpcService>;
}

export function served(
  id: string,
  { name, requires = [], load }: Service,
): Plugin {
  const key: PluginKey<ServedService> = { type: GRPC_TYPE, id };
  const open = (host: PluginHost) => ({ name, load: () => load(host) });
  return { ...plugin(key, requires, open), serves: name };
}
