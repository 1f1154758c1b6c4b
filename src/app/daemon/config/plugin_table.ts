/** Writing down what plugins' tables hold. */

import type { Key, KeyTable } from "./keys.ts";

/** Keys that change nothing. */
export function unused(
  keys: Readonly<Record<string, Omit<Key, "effect">>>,
): Readonly<Record<string, Key>> {
  return Object.fromEntries(
    Object.entries(keys).map(([name, key]) =>
      [name, { ...key, effect: "none" }] as const
    ),
  );
}

/** `[plugins."URI"]` @param formerly its URI in version 2 */
export function ofPlugin(
  uri: string,
  says: string,
  keys: KeyTable["keys"],
  formerly?: string,
): KeyTable {
  return {
    path: ["plugins", uri],
    says,
    keys,
    ...formerly === undefined ? {} : { formerly: [["plugins", formerly]] },
  };
}
