/** All plugins of the daemon. Their order is that of what they require. */

import { grpcPlugins } from "./grpc_plugins.ts";
import type { Plugin } from "./plugin.ts";

export const BUILTINS: readonly Plugin[] = [
  ...grpcPlugins,
];
