/** Which differ makes and unpacks layers on behalf of clients. */

import { invalidArgument } from "../../base/errors.ts";
import type { Differ } from "../../core/diff.ts";
import { firstAble } from "../../engine/differs.ts";
import { DIFFER, DIFFER_TYPE } from "./core_plugins.ts";
import {
  type Plugin,
  plugin,
  type PluginHost,
  type PluginKey,
} from "./plugin.ts";

export const DIFF_SERVICE: PluginKey<Differ> = {
  type: "io.containerd.service.v1",
  id: "diff-service",
};

export const diffPlugins: readonly Plugin[] = [
  plugin(DIFF_SERVICE, [], (host) => {
    const differs = order(host.config).map((id) => {
      const key: PluginKey<Differ> = { type: DIFFER_TYPE, id };
      return host.get(key);
    });
    return firstAble(differs);
  }),
];

/** Names of differs, the preferred one first. */
function order({ default: names }: PluginHost["config"]): readonly string[] {
  if (names === undefined) return [DIFFER.id];
  const isList = Array.isArray(names) && names.length > 0 &&
    names.every((name) => typeof name === "string");
  if (isList) return names;
  throw invalidArgument(`Cannot use differs "${names}": name at least one`);
}
