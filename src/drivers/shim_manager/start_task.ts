/** Starting a container under a shim that has been started for it. */

import type { Context } from "../../base/context.ts";
import type { TypedValue } from "../../core/container.ts";
import type { ShimService, StdioAddresses } from "../../core/shim.ts";
import type { Bundle } from "../../core/task.ts";
import type { Poller } from "../../sys/poller.ts";
import { writeShimPid } from "./bundle_files.ts";
import { withDeadline } from "./deadline.ts";
import { endTask } from "./destroy.ts";
import { shimKind } from "./runtime_name.ts";
import {
  START_CALLS,
  type StartErrors,
  startFailure,
} from "./start_failure.ts";
import { runningStatus } from "./status.ts";
import { ANSWER_MS } from "./task.ts";
import type { ShimWire } from "./wire.ts";

export interface StartTaskDeps {
  readonly poller: Poller;
  readonly wire: ShimWire;
  readonly startErrors: StartErrors;
  readonly now: () => Date;
  /** Where runc keeps its state, in a directory for each namespace. */
  readonly runtimeRoot: string;
}

/**
 * Ends the shim if the container does not start.
 * @returns the number of the container's process
 * @throws {TaskStartError}
 */
export async function startTask(
  ctx: Context,
  deps: StartTaskDeps,
  shim: ShimService,
  bundle: Bundle,
  stdio: StdioAddresses,
): Promise<number> {
  const { id, runtime } = bundle.record;
  try {
    await shim.create(ctx, {
      ...stdio,
      id,
      bundle: bundle.path,
      // The engine has mounted it.
      rootfs: [],
      checkpoint: "",
      ...optionsOf(deps, runtime),
    });
    writeShimPid(bundle.path, (await shim.connect(ctx, id)).shimPid);
    const pid = await shim.start(ctx, { id, execId: "" });
    bundle.writeStatus(runningStatus(bundle.status(), pid, deps.now()));
    return pid;
  } catch (error) {
    const patient = { ...ctx, signal: new AbortController().signal };
    await endFailed(patient, deps.poller, shim, { id, bundle: bundle.path });
    const { startErrors } = deps;
    const kind = shimKind(runtime);
    throw startFailure(startErrors, kind, START_CALLS.container, error);
  }
}

/** runc's own state lies with ours: two stores may use the same names. */
function optionsOf(
  { wire, runtimeRoot: root }: StartTaskDeps,
  runtime: string,
): { readonly options?: TypedValue } {
  return shimKind(runtime) === "runc"
    ? { options: wire.encodeRuncOptions({ root }) }
    : {};
}

/** Nothing of a container that did not start is worth an error of its own. */
async function endFailed(
  ctx: Context,
  poller: Poller,
  shim: ShimService,
  target: { readonly id: string; readonly bundle: string },
): Promise<void> {
  const { id } = target;
  try {
    await withDeadline(
      ctx,
      ANSWER_MS,
      (ctx) => endTask(ctx, poller, shim, target),
    );
  } catch (error) {
    ctx.log.debug("Cannot end a shim without a container", { id, error });
    await shim.shutdown(ctx, { id, when: "now" }).catch(() => {});
  }
}
