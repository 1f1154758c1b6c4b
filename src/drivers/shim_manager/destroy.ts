/** Ending a container and the shim that keeps it, whatever state both are in. */

import type { Context } from "../../base/context.ts";
import { unlessMissing } from "../../base/errors.ts";
import type { ProcessRef, ShimService } from "../../core/shim.ts";
import type { Poller } from "../../sys/poller.ts";
import { isAlive, sendSignal } from "../../sys/process.ts";
import { SIGNALS } from "../../sys/signals.ts";
import { readEndpoint, readShimPid } from "./bundle_files.ts";
import { socketPath, withShim } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { cleanUpAfterShim, type LaunchDeps, type ShimCall } from "./launch.ts";
import { killProcess } from "./kill.ts";
import { isServed, removeIfThere } from "./sockets.ts";
import { watchProcess } from "./watch_process.ts";

/** Deleting waits for what is still written. */
const DELETE_MS = 15_000;
/** A shim with nothing left to do leaves at once. */
const GRACE_MS = 200;
/** The kernel may take its time. */
const SHUTDOWN_MS = 3000;

export interface DestroyDeps extends LaunchDeps {
  /** Deletes with the OCI runtime what its shim's program could not. */
  readonly forceDelete: (ctx: Context, call: ShimCall) => Promise<void>;
}

/** Nothing of it is left when it settles but mounts below the bundle. */
export async function destroyTask(
  ctx: Context,
  deps: DestroyDeps,
  call: ShimCall,
): Promise<void> {
  const shimPid = readShimPid(call.bundle);
  try {
    await withDeadline(
      ctx,
      DELETE_MS,
      (ctx) =>
        withShim(
          ctx,
          deps.wire,
          call.bundle,
          (shim) => endTask(ctx, deps.poller, shim, call),
        ),
    );
  } catch (error) {
    ctx.log.debug("Cannot ask a shim to clean up", { id: call.id, error });
    await destroyWithoutShim(ctx, deps, call, shimPid);
  }
  removeSocket(call.bundle);
}

/** Kills and deletes the task, and waits until its shim has left. */
export async function endTask(
  ctx: Context,
  poller: Poller,
  shim: ShimService,
  { id, bundle }: { readonly id: string; readonly bundle: string },
): Promise<void> {
  const process = { id, execId: "" };
  const { shimPid } = await shim.connect(ctx, id);
  await killIfAlive(ctx, shim, process);
  await unlessMissing(shim.delete(ctx, process));
  await leave(ctx, poller, shim, { id, bundle, pid: shimPid });
}

/**
 * Ends the shim if it has nothing more to keep, and waits until it has gone.
 * @param target.bundle directory, which says where the shim listens
 * @param target.pid of the shim, if it is known
 */
export async function leave(
  ctx: Context,
  poller: Poller,
  shim: ShimService,
  target: {
    readonly id: string;
    readonly bundle: string;
    readonly pid: number | undefined;
  },
): Promise<void> {
  using process = target.pid === undefined
    ? undefined
    : watchProcess(poller, target.pid);
  // It may be gone before it has answered.
  await shim.shutdown(ctx, { id: target.id, when: "idle" }).catch(() => {});
  if (process === undefined || await process.endsWithin(GRACE_MS)) return;
  // One that keeps other containers listens on, and stays. The rest may take
  // their time to tell of events that nobody wants to know any more.
  if (isListening(target.bundle)) return;
  process.kill();
  await process.endsWithin(SHUTDOWN_MS);
}

function isListening(bundle: string): boolean {
  const path = socketOf(bundle);
  return path !== undefined && isServed(path);
}

function socketOf(bundle: string): string | undefined {
  const endpoint = readEndpoint(bundle);
  return endpoint && socketPath(endpoint.address);
}

async function killIfAlive(
  ctx: Context,
  shim: ShimService,
  process: ProcessRef,
): Promise<void> {
  const { status } = await shim.state(ctx, process);
  if (status === "stopped") return;
  // What is frozen does not end.
  if (status === "paused") await unlessMissing(shim.resume(ctx, process.id));
  await unlessMissing(
    killProcess(ctx, shim, process, { signal: SIGNALS.SIGKILL, scope: "all" }),
  );
  if (status !== "created") await shim.wait(ctx, process);
}

async function destroyWithoutShim(
  ctx: Context,
  deps: DestroyDeps,
  call: ShimCall,
  shimPid: number | undefined,
): Promise<void> {
  if (shimPid !== undefined && isShim(shimPid, call)) {
    sendSignal(shimPid, SIGNALS.SIGKILL);
  }
  try {
    await cleanUpAfterShim(deps, call);
  } catch (error) {
    ctx.log.debug("Cannot clean up after a shim", { id: call.id, error });
  }
  // It succeeds also if there is nothing left.
  await deps.forceDelete(ctx, call);
}

/** A later process with the same number is another one. */
function isShim(pid: number, { program, id }: ShimCall): boolean {
  if (!isAlive(pid)) return false;
  try {
    const args = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
    return args[0] === program && args.includes(id);
  } catch {
    return false;
  }
}

/** A shim that was killed has left its socket. */
function removeSocket(bundle: string): void {
  const path = socketOf(bundle);
  if (path !== undefined && !isServed(path)) removeIfThere(path);
}
