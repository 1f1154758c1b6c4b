/** Who begins the next life of a container, if the daemon's monitor can't. */

import type { Context } from "../../base/context.ts";
import type { LifeDeps } from "../../engine/life_deps.ts";
import { restartEnded } from "../../engine/restart_ended.ts";
import { spawn } from "../../sys/process.ts";
import { accessCommand, type RemoteAccess } from "./logger.ts";

/** In the bundle; held by the one who is about to restart it. */
const LOCK = "restart.lock";

/** Undefined if somebody does it already. Disposing lets others restart it. */
function lockRestart(bundle: string): Disposable | undefined {
  let lock: Deno.FsFile;
  try {
    lock = Deno.openSync(`${bundle}/${LOCK}`, { write: true, create: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  if (lock.tryLockSync(true)) return lock;
  lock.close();
  return undefined;
}

/** Starts a process that does it, if there is none. It outlives this one. */
export function restartLater(
  access: RemoteAccess,
  { namespace, id, bundle }: {
    readonly namespace: string;
    readonly id: string;
    readonly bundle: string;
  },
): void {
  const lock = lockRestart(bundle);
  if (lock === undefined) return;
  lock[Symbol.dispose]();
  const [path = "", ...args] = accessCommand(access, namespace);
  spawn({
    path,
    args: [...args, "system", "restart-ended", id],
    env: Object.entries(Deno.env.toObject())
      .map(([name, value]) => `${name}=${value}`),
    ...{ stdin: "null", stdout: "null", stderr: "null" },
    ...{ processGroup: "own", session: "new" },
  });
}

/** Nobody else does at the same time. @param id of the container */
export async function restartAlone(
  ctx: Context,
  deps: LifeDeps,
  id: string,
): Promise<void> {
  const ref = { namespace: ctx.namespace, id };
  const bundle = deps.services.bundles.find(ctx, ref)?.path ?? "";
  using lock = lockRestart(bundle);
  if (lock !== undefined) await restartEnded(ctx, deps, id);
}
