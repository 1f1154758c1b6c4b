/** Taking a container away from the daemon's monitor of restarts. */

import type { Context } from "../base/context.ts";
import { unlessMissing } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import type { Services } from "../core/services.ts";
import { RESTART_LABEL } from "./restart_policy.ts";

/** The user ends it; whoever has asked for restarts, it was not for now. */
export async function leaveMonitor(
  ctx: Context,
  { containers }: Pick<Services, "containers">,
  { id, labels }: Container,
): Promise<void> {
  const { status, explicitlyStopped } = RESTART_LABEL;
  if (labels[status] !== "running") return;
  await unlessMissing(containers.update(ctx, {
    id,
    runtime: { name: "" },
    // An empty label is none.
    labels: { [status]: "", [explicitlyStopped]: "true" },
  }, [`labels.${status}`, `labels.${explicitlyStopped}`]));
}
