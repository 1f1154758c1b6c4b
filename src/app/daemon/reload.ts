/** Reading the configuration again while the daemon runs. */

import type { Logger } from "../../base/log.ts";
import { formatPath } from "./config/check.ts";
import type { DaemonConfig } from "./config/daemon_config.ts";
import type { DaemonSettings } from "./settings.ts";
import { reportNotes } from "./start.ts";

/** How the file calls what has another name here. */
const KEYS: Readonly<Partial<Record<keyof DaemonConfig, string>>> = {
  files: "imports",
  oomScore: "oom_score",
  disabledPlugins: "disabled_plugins",
  requiredPlugins: "required_plugins",
  proxyPlugins: "proxy_plugins",
  shimGrouping: "shim.grouping",
  registryDirs: "registry.config_path",
};

/**
 * Changes what can be changed, which is the log; says what can't.
 * @param running what the daemon was started with; its log is changed
 * @param read gives the settings anew
 */
export async function reload(
  running: DaemonSettings,
  read: () => Promise<DaemonSettings>,
  log: Logger,
): Promise<void> {
  let settings: DaemonSettings;
  try {
    settings = await read();
  } catch (error) {
    log.error("Cannot reload the configuration; the former one holds", {
      error,
    });
    return;
  }
  Object.assign(running.log, settings.log);
  const { level: logLevel, format: logFormat } = running.log;
  log.info("Reloaded the configuration", { logLevel, logFormat });
  reportNotes(settings, log);
  const changed = changedParts(running.config, settings.config);
  if (changed.length > 0) {
    log.warn("Some changes need a restart", { changed: changed.join(", ") });
  }
}

/** Keys of what differs, but for the log. */
export function changedParts(
  before: DaemonConfig,
  after: DaemonConfig,
): readonly string[] {
  const parts = (config: DaemonConfig) => {
    const { debug, plugins, ...rest } = config;
    const { level: _level, format: _format, ...socket } = debug;
    const tables = [...plugins].map(([uri, table]) =>
      [formatPath(["plugins", uri]), table] as const
    );
    return new Map(
      [...Object.entries({ ...rest, debug: socket }), ...tables]
        .map(([name, part]) => [name, JSON.stringify(part, plain)]),
    );
  };
  const [old, now] = [parts(before), parts(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((name) => old.get(name) !== now.get(name))
    .map((name) => KEYS[name as keyof DaemonConfig] ?? name);
}

function plain(_key: string, value: unknown): unknown {
  return value instanceof Map || value instanceof Set ? [...value] : value;
}
