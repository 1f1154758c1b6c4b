/** Smaller steps of starting the daemon. */

import type { Logger } from "../../base/log.ts";
import type { Config } from "../config.ts";
import type { ContentSharing } from "../../core/records.ts";
import type { ConfigNote } from "./config/check.ts";
import type { DaemonConfig } from "./config/daemon_config.ts";
import type { DaemonSettings } from "./settings.ts";

/** The database's, called as containerd's. */
const METADATA_URI = "io.containerd.metadata.v1.bolt";

/** What is said of a key, or of one entry of its list. */
const MESSAGES = {
  key: {
    unknown: "Ignored a key of the configuration",
    unused: "A key of the configuration changes nothing here",
  },
  entry: {
    unknown: "Ignored an entry of the configuration",
    unused: "An entry of the configuration changes nothing here",
  },
} as const;

const LEVELS = { unknown: "warn", unused: "info" } as const;

/** What the store is opened with, as if the command line's file said it. */
export function commandLineConfig({ config }: DaemonSettings): Config {
  const { root, state, snapshotter, runtime, shimGrouping, registryDirs } =
    config;
  return {
    ...root === undefined ? {} : { root },
    ...state === undefined ? {} : { state },
    ...snapshotter === undefined ? {} : { snapshotter },
    ...runtime === undefined ? {} : { runtime },
    ...shimGrouping === undefined ? {} : { shimGrouping },
    contentSharing: contentSharing(config),
    registry: registryDirs === undefined ? {} : { configPath: registryDirs },
  };
}

/** One of those that the check of the file has let through. */
export function contentSharing(
  { plugins }: Pick<DaemonConfig, "plugins">,
): ContentSharing {
  const { content_sharing_policy: policy } = plugins.get(METADATA_URI) ?? {};
  return policy === "isolated" ? policy : "shared";
}

/** Says which files are read, and what in them is without effect. */
export function reportNotes(
  { config, notes }: DaemonSettings,
  log: Logger,
): void {
  if (config.files.length > 0) {
    log.info("Read the configuration", { files: config.files.join(", ") });
  }
  logNotes(notes, log);
}

/** Says what is without effect. */
export function logNotes(notes: readonly ConfigNote[], log: Logger): void {
  for (const note of notes) {
    const { kind, key, entry, says } = note;
    const message = MESSAGES[entry === undefined ? "key" : "entry"][kind];
    log[LEVELS[kind]](`${message}: ${says}`, {
      key,
      ...entry === undefined ? {} : { entry },
      at: placeOf(note),
    });
  }
}

function placeOf({ file, line }: ConfigNote): string {
  return line === undefined ? file : `${file}:${line}`;
}

/** Lowering it takes a capability that not every root has. */
export function setOomScore(score: number, log: Logger): void {
  if (score === 0) return;
  try {
    Deno.writeTextFileSync("/proc/self/oom_score_adj", String(score));
  } catch (error) {
    log.warn("Cannot set the daemon's OOM score", { score, error });
  }
}

/** Where this process and its children put what they need for a while. */
export function useTemporaryDirectory(path: string | undefined): void {
  if (path === undefined) return;
  Deno.mkdirSync(path, { recursive: true, mode: 0o711 });
  Deno.env.set("TMPDIR", path);
}
