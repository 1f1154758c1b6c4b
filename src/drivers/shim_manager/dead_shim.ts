/** What the daemon does after a shim that has died. */

import type { Context } from "../../base/context.ts";
import type { EventExchange } from "../../core/event.ts";
import type { Mounter } from "../../core/mount.ts";
import type { Bundle, ExitStatus } from "../../core/task.ts";
import { readShimProgram } from "./bundle_files.ts";
import type { ToldOf } from "./kept_shim.ts";
import { cleanUpAfterShim } from "./launch.ts";
import { callOf, type LaunchForDeps } from "./launch_for.ts";
import { findShim } from "./runtime_name.ts";
import { stoppedStatus } from "./status.ts";

export interface DeadShimDeps extends LaunchForDeps {
  readonly events: EventExchange;
  readonly mounter: Mounter;
  readonly now: () => Date;
}

/** 128 + SIGKILL. */
const KILLED = 137;

/** Of a task of which nobody knows better. */
export function killedNow({ now }: Pick<DeadShimDeps, "now">): ExitStatus {
  return { exitCode: KILLED, exitedAt: now() };
}

/**
 * Ends what is left of a task without a shim, and tells what that has not.
 * @param told what it has
 */
export async function finishDead(
  ctx: Context,
  deps: DeadShimDeps,
  bundle: Bundle,
  told: ToldOf,
): Promise<ExitStatus> {
  const { events } = deps;
  const { id } = bundle.record;
  if (told === "deleted") {
    await discard(ctx, deps, bundle);
    return killedNow(deps);
  }
  const { pid, exit } = await cleanUpAfter(ctx, deps, bundle);
  const exitStatus = exit.exitCode;
  const exitedAt = exit.exitedAt.toISOString();
  const ended = { containerId: id, id, pid, exitStatus, exitedAt };
  if (told === "running") await events.publish(ctx, "/tasks/exit", ended);
  await events.publish(ctx, "/tasks/delete", { ...ended, id: "" });
  await discard(ctx, deps, bundle);
  return exit;
}

/** Nobody can find the task any more afterwards. */
export async function discard(
  ctx: Context,
  { mounter }: Pick<DeadShimDeps, "mounter">,
  bundle: Bundle,
): Promise<void> {
  await mounter.unmountAll(ctx, bundle.rootfs);
  bundle.remove();
}

async function cleanUpAfter(
  ctx: Context,
  deps: DeadShimDeps,
  bundle: Bundle,
): Promise<{ readonly pid: number; readonly exit: ExitStatus }> {
  const { path, record } = bundle;
  try {
    const program = readShimProgram(path) ??
      { program: findShim(record.runtime, deps.host) };
    const call = { ...callOf(deps, bundle), ...program };
    const { pid, exit } = await cleanUpAfterShim(deps, call);
    bundle.writeStatus(stoppedStatus(bundle.status(), exit));
    return { pid: pid || lastPid(bundle), exit };
  } catch (error) {
    ctx.log.warn("Cannot clean up after a shim", { id: record.id, error });
    return { pid: lastPid(bundle), exit: killedNow(deps) };
  }
}

function lastPid(bundle: Bundle): number {
  return bundle.status()?.pid ?? 0;
}
