/** All plugins of the daemon. Their order is that of what they require. */

import { type DaemonConfig, EMPTY_CONFIG } from "./config/daemon_config.ts";
import { corePlugins } from "./core_plugins.ts";
import { debugPlugins } from "./debug_plugins.ts";
import { diffPlugins } from "./diff_plugins.ts";
import { gcPlugins } from "./gc_plugins.ts";
import { grpcPlugins } from "./grpc_plugins.ts";
import { loggingPlugins } from "./logging_plugins.ts";
import { memoryPlugins } from "./memory_plugins.ts";
import { metricsPlugins } from "./metrics_plugins.ts";
import type { Plugin } from "./plugin.ts";
import { contentInUse, proxyPlugins } from "./proxy_plugins.ts";
import { restartPlugins } from "./restart_plugins.ts";
import { sandboxPlugins } from "./sandbox_plugins.ts";
import { taskPlugins } from "./task_plugins.ts";
import { tracingPlugins } from "./tracing_plugins.ts";
import { transferPlugins } from "./transfer_plugins.ts";
import { verifierPlugins } from "./verifier_plugins.ts";

/** With those that the configuration adds. */
export function allPlugins(
  config: DaemonConfig = EMPTY_CONFIG,
): readonly Plugin[] {
  return [
    ...corePlugins(contentInUse(config)),
    // Those behind choose among them.
    ...proxyPlugins(config),
    ...gcPlugins,
    ...diffPlugins,
    ...grpcPlugins,
    ...taskPlugins,
    ...restartPlugins,
    ...verifierPlugins,
    ...transferPlugins,
    ...sandboxPlugins,
    ...loggingPlugins,
    ...tracingPlugins,
    ...metricsPlugins,
    ...memoryPlugins,
    ...debugPlugins,
  ];
}
