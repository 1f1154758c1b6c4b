/** What of this process the daemon's settings depend on. */

import { identify } from "../rootless/identity.ts";
import { allPlugins } from "./builtins.ts";
import { currentUri } from "./config/migrate.ts";
import { pluginUri } from "./plugin.ts";
import type { SettingsDeps } from "./settings.ts";

export function surroundings(): Pick<
  SettingsDeps,
  "env" | "uid" | "hasPlugin"
> {
  const env = (name: string) => Deno.env.get(name);
  const { uid } = identify(env, Deno.uid() ?? 0);
  const uris = new Set(
    allPlugins().map(({ key }) => currentUri(pluginUri(key))),
  );
  return { env, uid, hasPlugin: (uri: string) => uris.has(uri) };
}
