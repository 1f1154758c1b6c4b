/** What the daemon is made of, on the wire. */

import type { Plugin as WirePlugin } from "../../../proto/gen/containerd/services/introspection/v1/introspection.ts";
import type { Any } from "../../../proto/gen/google/protobuf/any.ts";
import type { Context } from "../../base/context.ts";
import type { FieldReader } from "../../base/filters.ts";
import type { TypedValue } from "../../core/container.ts";
import { statusOf } from "../../rpc/status.ts";

/** A plugin as others may know it. */
export interface PluginFacts {
  readonly type: string;
  readonly id: string;
  /** Types that it requires. */
  readonly requires: readonly string[];
  /** `linux/amd64` */
  readonly platforms?: readonly string[];
  readonly exports?: Readonly<Record<string, string>>;
  readonly capabilities?: readonly string[];
  /** Why it can't be used. */
  readonly failure?: { readonly kind: "skip" | "error"; readonly error: Error };
  /** Answers what `PluginInfo` asks of it. */
  readonly inform?: (ctx: Context, asked: TypedValue) => Promise<TypedValue>;
}

export function toPlugin(facts: PluginFacts): WirePlugin {
  const { type, id, requires, platforms, exports, capabilities } = facts;
  return {
    type,
    id,
    requires: [...requires],
    platforms: (platforms ?? []).map(toPlatform),
    exports: { ...exports },
    capabilities: [...capabilities ?? []],
    initErr: toInitError(facts.failure),
  };
}

/** Clients tell one that is left out from one that fails by these words. */
const SKIPPED = "skip plugin";

function toInitError(failure: PluginFacts["failure"]): WirePlugin["initErr"] {
  if (failure === undefined) return undefined;
  const { code, message } = statusOf(failure.error);
  return failure.kind === "skip"
    ? { code, message: `${message}: ${SKIPPED}`, details: [] }
    : { code, message, details: [] };
}

/** A plugin as `fromPlugin` tells it: what it failed with, by its words. */
export interface ReportedPlugin {
  readonly type: string;
  readonly id: string;
  readonly requires: readonly string[];
  readonly platforms: readonly string[];
  readonly exports: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
  readonly status: "ok" | "skip" | "error";
  /** Absent if it is `ok`. */
  readonly message?: string;
}

export function fromPlugin(plugin: WirePlugin): ReportedPlugin {
  const { initErr } = plugin;
  return {
    type: plugin.type,
    id: plugin.id,
    requires: plugin.requires,
    platforms: plugin.platforms.map(fromPlatform),
    exports: plugin.exports,
    capabilities: plugin.capabilities,
    ...initErr === undefined ? { status: "ok" } : {
      status: initErr.message.includes(SKIPPED) ? "skip" : "error",
      message: initErr.message,
    },
  };
}

type WirePlatform = WirePlugin["platforms"][number];

/** @param text `linux/arm64/v8` */
function toPlatform(text: string): WirePlatform {
  const [os = "", architecture = "", variant = ""] = text.split("/");
  return { os, architecture, variant, osVersion: "", osFeatures: [] };
}

function fromPlatform({ os, architecture, variant }: WirePlatform): string {
  return [os, architecture, variant].filter((part) => part !== "").join("/");
}

/**
 * Ways to read a plugin's fields for a filter: where it has several platforms
 * or capabilities, one way for each, of which one must match.
 */
export function* pluginFields(plugin: PluginFacts): Generator<FieldReader> {
  const { platforms = [], capabilities = [], exports = {} } = plugin;
  for (const platform of platforms.length > 0 ? platforms : [undefined]) {
    for (const capability of capabilities.length > 0 ? capabilities : [""]) {
      yield ([name = "", ...rest]) => {
        switch (name) {
          case "type":
          case "id":
            return plugin[name];
          case "platforms":
            return platform;
          case "capabilities":
            return capability === "" ? undefined : capability;
          case "exports":
            return exports[rest.join(".")];
          default:
            return undefined;
        }
      };
    }
  }
}

export function fromOptions(options: Any): TypedValue {
  return { typeUrl: options.typeUrl, value: options.value };
}
