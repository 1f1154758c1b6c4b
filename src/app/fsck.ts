/** Checking a store, whoever's it is. */

import type { Context } from "../base/context.ts";
import type { FsckFinding } from "../core/fsck.ts";
import type { FsckOptions } from "../engine/fsck.ts";
import type { Connection } from "./connect.ts";

type CheckedStore = Pick<Connection, "paths" | "services" | "daemon">;

/**
 * What is wrong with an open store; in repair mode, after it was mended. Of one
 * behind a socket that is what its services tell.
 */
export async function* checkStore(
  ctx: Context,
  store: CheckedStore,
  options: FsckOptions,
): AsyncIterable<FsckFinding> {
  if (store.daemon === "other") {
    const { fsckServed } = await import("../engine/fsck_served.ts");
    yield* fsckServed(ctx, store.services, options);
  } else {
    const { checkOwnStore } = await import("./fsck_own.ts");
    yield* checkOwnStore(ctx, store, options);
  }
}
