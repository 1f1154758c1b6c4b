/** Opens plugins in the order of what they require. */

import { EngineError, failedPrecondition } from "../../base/errors.ts";
import {
  type Plugin,
  type PluginDescription,
  type PluginHost,
  type PluginKey,
  type PluginStatus,
  pluginUri,
  SkipPlugin,
} from "./plugin.ts";

/** What all plugins are given alike. */
export type PluginBase =
  & Pick<
    PluginHost,
    | "services"
    | "paths"
    | "log"
    | "logLevel"
    | "now"
    | "stopping"
    | "daemon"
    | "address"
  >
  & {
    /** The table of a plugin in the configuration file. */
    readonly configOf: (uri: string) => Readonly<Record<string, unknown>>;
    /** Whether the configuration turns a plugin off. */
    readonly isDisabled: (uri: string) => boolean;
  };

/** Disposing closes them, the last one first. */
export interface OpenPlugins extends AsyncDisposable {
  statuses(): readonly PluginStatus[];
  all<T>(type: string): readonly T[];
}

export async function openPlugins(
  plugins: readonly Plugin[],
  base: PluginBase,
): Promise<OpenPlugins> {
  const registry = new Registry(base);
  for (const plugin of inOrder(plugins)) await registry.open(plugin);
  return registry;
}

/**
 * Those that are required come first; else the order of the list is kept.
 * @throws {EngineError} `failedPrecondition` if plugins require each other
 */
export function inOrder(plugins: readonly Plugin[]): readonly Plugin[] {
  const byUri = new Map(plugins.map((it) => [pluginUri(it.key), it]));
  const ordered = new Set<Plugin>();
  const visit = (plugin: Plugin, above: readonly Plugin[]) => {
    if (ordered.has(plugin)) return;
    if (above.includes(plugin)) {
      const names = [...above, plugin].map(({ key }) => pluginUri(key));
      throw failedPrecondition(
        `Cannot open plugins that require each other: ${names.join(" → ")}`,
      );
    }
    for (const key of plugin.requires) {
      const required = byUri.get(pluginUri(key));
      if (required !== undefined) visit(required, [...above, plugin]);
    }
    ordered.add(plugin);
  };
  for (const plugin of plugins) visit(plugin, []);
  return [...ordered];
}

function hintOf(error: Error): { readonly hint?: string } {
  const hint = error instanceof EngineError ? error.hint : undefined;
  return hint === undefined ? {} : { hint };
}

type Entry =
  & { readonly plugin: Plugin; about: PluginDescription }
  & (
    | { readonly value: unknown; readonly failure?: never }
    | { readonly failure: NonNullable<PluginStatus["failure"]> }
  );

class Registry implements OpenPlugins {
  readonly #base: PluginBase;
  readonly #entries = new Map<string, Entry>();
  readonly #undo = new AsyncDisposableStack();

  constructor(base: PluginBase) {
    this.#base = base;
  }

  async open(plugin: Plugin): Promise<void> {
    const uri = pluginUri(plugin.key);
    let about: PluginDescription = {};
    const log = this.#base.log.with({ plugin: uri });
    const host: PluginHost = {
      ...this.#base,
      log,
      config: this.#base.configOf(uri),
      get: (key) => this.#get(key),
      all: (type) => this.all(type),
      statuses: () => this.statuses(),
      defer: (undo) => this.#undo.defer(undo),
      describe: (more) => {
        about = { ...about, ...more };
      },
    };
    try {
      if (this.#base.isDisabled(uri)) {
        throw new SkipPlugin("the configuration disables it");
      }
      for (const key of plugin.requires) this.#get(key);
      const value = await plugin.open(host);
      this.#entries.set(uri, { plugin, about, value });
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : EngineError.from(thrown);
      const kind = error instanceof SkipPlugin ? "skip" : "error";
      this.#entries.set(uri, { plugin, about, failure: { kind, error } });
      if (kind === "skip") log.debug("Left a plugin out", { error });
      else log.warn("Cannot open a plugin", { error, ...hintOf(error) });
    }
  }

  all<T>(type: string): readonly T[] {
    return [...this.#entries.values()].flatMap((entry) =>
      entry.plugin.key.type === type && entry.failure === undefined
        ? [entry.value as T]
        : []
    );
  }

  statuses(): readonly PluginStatus[] {
    return [...this.#entries.values()].map((entry) => ({
      type: entry.plugin.key.type,
      id: entry.plugin.key.id,
      requires: [...new Set(entry.plugin.requires.map(({ type }) => type))],
      ...entry.about,
      ...entry.failure === undefined ? {} : { failure: entry.failure },
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo.disposeAsync();
  }

  #get<T>(key: PluginKey<T>): T {
    const uri = pluginUri(key);
    const entry = this.#entries.get(uri);
    if (entry === undefined) {
      throw failedPrecondition(`Cannot use plugin "${uri}": there is none`);
    }
    if (entry.failure !== undefined) {
      const { error } = entry.failure;
      throw failedPrecondition(
        `Cannot use plugin "${uri}": ${error.message}`,
        { cause: error },
      );
    }
    return entry.value as T;
  }
}
