/**
 * What the daemon is made of: an explicit list of plugins, each opened after
 * what it requires. One that can't be opened is known by its failure, and takes
 * only those with it that require it.
 */

import type { Context } from "../../base/context.ts";
import type { Logger, LogLevel } from "../../base/log.ts";
import type { TypedValue } from "../../core/container.ts";
import type { Services } from "../../core/services.ts";
import type { StorePaths } from "../paths.ts";
import type { DaemonConfig } from "./config/daemon_config.ts";

/** Names a plugin, and the type of what it opens. */
export interface PluginKey<out T> {
  /** `io.containerd.grpc.v1` */
  readonly type: string;
  /** `containers` */
  readonly id: string;
  /** Of types only. */
  readonly opens?: T;
}

export interface Plugin<T = unknown> {
  readonly key: PluginKey<T>;
  readonly requires: readonly PluginKey<unknown>[];
  /** Full name of the API's service that it opens, if that is what it does. */
  readonly serves?: string;
  /** Throwing is no defect: what is thrown is the plugin's status. */
  readonly open: (host: PluginHost) => T | Promise<T>;
}

/** What a plugin is opened with. */
export interface PluginHost {
  readonly services: Services;
  readonly paths: StorePaths;
  /** Says which plugin speaks. */
  readonly log: Logger;
  /** What is least important of what it writes, at the moment. */
  readonly logLevel: () => LogLevel;
  readonly now: () => Date;
  /** Fires when the daemon is about to stop. */
  readonly stopping: AbortSignal;
  /** Its own table in the configuration file, checked against nothing yet. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The whole configuration, for what is not in a plugin's own table. */
  readonly daemon: DaemonConfig;
  /** Path of the socket at which the daemon serves gRPC. */
  readonly address: string;
  /** One that it requires. */
  get<T>(key: PluginKey<T>): T;
  /** Of all plugins of a type that are open by now. */
  all<T>(type: string): readonly T[];
  /** Of all plugins, as they stand when it is called. */
  statuses(): readonly PluginStatus[];
  /** Work to do when the daemon stops, the last one first. */
  defer(undo: () => Promise<void> | void): void;
  /** What introspection shows of it. */
  describe(about: PluginDescription): void;
}

export interface PluginDescription {
  /** `linux/amd64` */
  readonly platforms?: readonly string[];
  readonly exports?: Readonly<Record<string, string>>;
  readonly capabilities?: readonly string[];
  /** Answers what `PluginInfo` of introspection asks of it. */
  readonly inform?: (ctx: Context, asked: TypedValue) => Promise<TypedValue>;
}

export interface PluginStatus extends PluginDescription {
  readonly type: string;
  readonly id: string;
  /** Types that it requires. */
  readonly requires: readonly string[];
  /** Why it can't be used; absent if it can. `skip`: it is not wanted here. */
  readonly failure?: { readonly kind: "skip" | "error"; readonly error: Error };
}

/** Thrown by a plugin that has nothing to do on this machine. */
export class SkipPlugin extends Error {
  override readonly name = "SkipPlugin";
}

/** `io.containerd.grpc.v1.containers` */
export function pluginUri({ type, id }: PluginKey<unknown>): string {
  return `${type}.${id}`;
}

/** For lists of plugins of different kinds. */
export function plugin<T>(
  key: PluginKey<T>,
  requires: readonly PluginKey<unknown>[],
  open: (host: PluginHost) => T | Promise<T>,
): Plugin {
  return { key, requires, open };
}
