/** Beginning the next life of a container that no monitor restarts. */

import type { Context } from "../base/context.ts";
import { sleep } from "../base/sleep.ts";
import {
  type ContainerSettings,
  settingsOf,
} from "../core/container_settings.ts";
import { askedSharing } from "../core/shared_paths.ts";
import type { Bundle, TaskRef } from "../core/task.ts";
import { NEW_STATUS, type TaskStatus } from "../core/task_status.ts";
import type { LifeDeps } from "./life_deps.ts";
import { launch, startRequest } from "./start.ts";

/** How often it has been restarted, for who starts it; in its bundle. */
export const RESTART_COUNT = "restart-count";

/** As docker's: twice as long each time, until it has lived for a while. */
const FIRST_DELAY_MS = 100;
const MOST_DELAY_MS = 60_000;
const LONG_LIFE_MS = 10_000;

/** In which others, who look whether it is to be finished, let go of it. */
const CLAIM_BUDGET_MS = 5_000;
const PAUSE_MS = 20;

/**
 * Waits, and starts it, unless the user has ended it meanwhile. While it can't
 * join another container, because that does not run, it goes on waiting.
 */
export async function restartEnded(
  ctx: Context,
  deps: LifeDeps,
  id: string,
): Promise<void> {
  const ref = { namespace: ctx.namespace, id };
  for (let refusals = 0;; refusals++) {
    const status = await dueStatus(ctx, deps, ref);
    if (status === undefined) return;
    await sleep(delayMs(status, refusals), ctx.signal);
    ctx.signal.throwIfAborted();
    using owned = new DisposableStack();
    const bundle = await claim(ctx, deps, ref);
    if (bundle === undefined) return;
    owned.use(bundle);
    if (await dueStatus(ctx, deps, ref) === undefined) return;
    const container = await deps.services.containers.get(ctx, id);
    const settings = settingsOf(container);
    if (settings === undefined) return;
    if (!await share(ctx, deps, bundle, settings)) continue;
    bundle.write(RESTART_COUNT, String(status.restartCount + 1));
    owned.move();
    await launch(ctx, deps, bundle, startRequest(ctx, deps, { id, settings }));
    return;
  }
}

/** @returns false if another container does not run: its status says so */
async function share(
  ctx: Context,
  { services }: LifeDeps,
  bundle: Bundle,
  { asked }: ContainerSettings,
): Promise<boolean> {
  const sharing = askedSharing(asked);
  if (sharing === undefined) return true;
  const { tryToShare } = await import("./share_namespaces.ts");
  const refusal = await tryToShare(ctx, services, bundle, sharing);
  if (refusal === undefined) return true;
  const status = bundle.status() ?? NEW_STATUS;
  bundle.writeStatus({ ...status, error: refusal.message });
  return false;
}

/** @param refusals since it has ended */
function delayMs(
  { restartCount, startedAt, exit }: TaskStatus,
  refusals: number,
): number {
  const livedMs = startedAt === undefined || exit === undefined
    ? 0
    : Date.parse(exit.exitedAt) - Date.parse(startedAt);
  const tries = refusals + (livedMs >= LONG_LIFE_MS ? 0 : restartCount);
  return Math.min(FIRST_DELAY_MS * 2 ** tries, MOST_DELAY_MS);
}

/** Undefined of one that is not to be restarted. */
async function dueStatus(
  ctx: Context,
  { services }: LifeDeps,
  ref: TaskRef,
): Promise<TaskStatus | undefined> {
  const status = await (await services.tasks.find(ctx, ref))?.status(ctx);
  return status?.state === "restarting" ? status : undefined;
}

async function claim(
  ctx: Context,
  { services: { bundles } }: LifeDeps,
  ref: TaskRef,
): Promise<Bundle | undefined> {
  for (let waited = 0; waited < CLAIM_BUDGET_MS; waited += PAUSE_MS) {
    const bundle = bundles.claim(ctx, ref);
    if (bundle !== undefined || bundles.find(ctx, ref) === undefined) {
      return bundle;
    }
    await sleep(PAUSE_MS, ctx.signal);
    ctx.signal.throwIfAborted();
  }
  return undefined;
}
