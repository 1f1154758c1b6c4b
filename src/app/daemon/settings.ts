/** What is in force: the command line, the environment, the configuration. */

import { configPath, namedConfig } from "../config.ts";
import type { LogSettings } from "../log_sink.ts";
import { type StorePaths, storePaths } from "../paths.ts";
import { mayExist } from "../../sys/may_exist.ts";
import type { ConfigNote } from "./config/check.ts";
import { currentUri } from "./config/current_uri.ts";
import { type DaemonConfig, EMPTY_CONFIG } from "./config/daemon_config.ts";
import type { DaemonFlags, ProgramName } from "./flags.ts";
import { levelOf } from "./log_level.ts";
import { parseAddress } from "./sockets.ts";

export interface DaemonSettings {
  readonly paths: StorePaths;
  /** Path of the socket; `coracle.sock` of the state directory if absent. */
  readonly address?: string;
  readonly log: LogSettings;
  readonly config: DaemonConfig;
  /** What of the configuration is without effect. */
  readonly notes: readonly ConfigNote[];
}

export interface SettingsDeps {
  readonly program: ProgramName;
  readonly flags: DaemonFlags;
  readonly env: (name: string) => string | undefined;
  /** The user's id as the host knows it. */
  readonly uid: number;
  /** Loads what says whether there is a plugin with a URI. */
  readonly pluginFinder: () => Promise<(uri: string) => boolean>;
}

/** Where its clients look for it. */
const CONTAINERD_ADDRESS = "/run/containerd/containerd.sock";

/** @throws {EngineError} `invalidArgument`, `failedPrecondition` */
export async function readSettings(
  deps: SettingsDeps,
): Promise<DaemonSettings> {
  const { flags, env, uid, program } = deps;
  const { config, notes } = await readFiles(deps);
  const paths = storePaths(env, uid, flags, config);
  const told = flags.address === undefined
    ? undefined
    : parseAddress(flags.address, "with --address");
  const address = told ?? config.grpc.address ??
    (program === "containerd" && uid === 0 ? CONTAINERD_ADDRESS : undefined);
  return {
    paths,
    ...address === undefined ? {} : { address },
    log: {
      level: levelOf(flags.logLevel ?? config.debug.level ?? "info"),
      format: (flags.logFormat ?? config.debug.format) === "json"
        ? "json"
        : "text",
    },
    config,
    notes,
  };
}

/** The file to read; undefined if nobody names one and the usual is absent. */
export function configFileOf(
  { flags, env, uid, program }: Omit<SettingsDeps, "pluginFinder">,
): string | undefined {
  if (flags.config !== undefined) return flags.config;
  const usual = program === "containerd"
    ? "/etc/containerd/config.toml"
    : configPath(env, uid);
  // What is named and is not there is told by whoever reads it.
  const absent = usual === namedConfig(env) ? usual : undefined;
  if (!mayExist(usual)) return absent;
  try {
    return Deno.statSync(usual).isFile ? usual : undefined;
  } catch {
    return absent;
  }
}

async function readFiles(
  deps: SettingsDeps,
): Promise<Pick<DaemonSettings, "config" | "notes">> {
  const file = configFileOf(deps);
  if (file === undefined) return { config: EMPTY_CONFIG, notes: [] };
  const { readConfig } = await import("./config/read.ts");
  const { parseConfig } = await import("./config/parse.ts");
  const read = await readConfig(file, await findsPlugin(deps));
  return { config: parseConfig(read), notes: read.notes };
}

/** @returns whether there is a plugin with a URI, also one of former versions */
export async function findsPlugin(
  { pluginFinder }: Pick<SettingsDeps, "pluginFinder">,
): Promise<(uri: string) => boolean> {
  const hasPlugin = await pluginFinder();
  return (uri) => uri.startsWith("io.coracle.") || hasPlugin(currentUri(uri));
}
