/** The end of the way into the store's namespace, or of the way to no other. */

import { returnToDirectory } from "./directory.ts";
import { identify, type Identity } from "./identity.ts";

/** Who runs this process; in the namespace, it is where the user is. */
export function arrive(): Identity {
  const identity = identify((name) => Deno.env.get(name), Deno.uid() ?? 0);
  if (identity.kind === "rootless") returnToDirectory();
  return identity;
}
