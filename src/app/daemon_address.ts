/** Where the daemon of a store serves. */

import { usualConfig } from "./config.ts";
import { holderOf } from "./daemon/lock.ts";
import { type PathOverrides, storePaths } from "./paths.ts";
import { identify } from "./rootless/identity.ts";

/**
 * What the running daemon has noted, or else where one would serve.
 * @param flags of the command line
 */
export async function daemonAddress(
  env: (name: string) => string | undefined,
  flags: PathOverrides,
): Promise<string> {
  const { uid } = identify(env, Deno.uid() ?? 0);
  const config = await usualConfig(env, uid);
  const { root, state } = storePaths(env, uid, flags, config);
  const holder = holderOf(root) ?? holderOf(state);
  return holder?.address ?? `${state}/coracle.sock`;
}
