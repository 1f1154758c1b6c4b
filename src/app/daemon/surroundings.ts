/** What of this process the daemon's settings depend on. */

import { identify } from "../rootless/identity.ts";
import type { SettingsDeps } from "./settings.ts";

export function surroundings(): Pick<
  SettingsDeps,
  "env" | "uid" | "pluginFinder"
> {
  const env = (name: string) => Deno.env.get(name);
  const { uid } = identify(env, Deno.uid() ?? 0);
  return { env, uid, pluginFinder: findsPlugins };
}

/** All plugins are loaded for that: most daemons have no file to check. */
async function findsPlugins(): Promise<(uri: string) => boolean> {
  const { allPlugins } = await import("./builtins.ts");
  const { currentUri } = await import("./config/current_uri.ts");
  const { pluginUri } = await import("./plugin.ts");
  const uris = new Set(
    allPlugins().map(({ key }) => currentUri(pluginUri(key))),
  );
  return (uri) => uris.has(uri);
}
