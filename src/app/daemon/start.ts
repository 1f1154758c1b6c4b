/** Smaller steps of starting the daemon. */

import type { Logger } from "../../base/log.ts";
import type { Config } from "../config.ts";
import type { ConfigNote } from "./config/check.ts";
import type { DaemonSettings } from "./settings.ts";

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
    registry: registryDirs === undefined ? {} : { configPath: registryDirs },
  };
}

/** Says which files are read, and what in them is without effect. */
export function reportNotes(
  { config, notes }: DaemonSettings,
  log: Logger,
): void {
  if (config.files.length > 0) {
    log.info("Read the configuration", { files: config.files.join(", ") });
  }
  for (const note of notes) {
    const { key, says } = note;
    if (note.kind === "unknown") {
      log.warn(`Ignored a key of the configuration: ${says}`, {
        key,
        at: placeOf(note),
      });
    } else {
      log.info(`A key of the configuration changes nothing here: ${says}`, {
        key,
        at: placeOf(note),
      });
    }
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
