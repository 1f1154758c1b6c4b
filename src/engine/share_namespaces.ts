/** Starting containers that share something with others. */

import type { Context } from "../base/context.ts";
import { EngineError, failedPrecondition } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import { recordedStatus } from "../core/container_settings.ts";
import type { AskedSharing } from "../core/shared_paths.ts";
import type { Services } from "../core/services.ts";
import { START_FAILURE, TaskStartError } from "../core/start_failure.ts";
import type { Bundle } from "../core/task.ts";
import { NEW_STATUS } from "../core/task_status.ts";
import { recordParts } from "./container_record.ts";

/**
 * Makes what it shares ready, until the bundle is let go of.
 * @throws {EngineError} `failedPrecondition` if another container does not run
 */
async function shareNamespaces(
  ctx: Context,
  { tasks }: Pick<Services, "tasks">,
  bundle: Bundle,
  sharing: AskedSharing,
): Promise<void> {
  if (tasks.shareNamespaces === undefined) throw notFromHere();
  await tasks.shareNamespaces(ctx, bundle, sharing);
}

/** The same for one that has been started before, whose record says why not. */
export async function shareAgain(
  ctx: Context,
  services: Services,
  bundle: Bundle,
  container: Container,
  sharing: AskedSharing,
): Promise<void> {
  const refusal = await tryToShare(ctx, services, bundle, sharing);
  if (refusal === undefined) return;
  const last = recordedStatus(container) ?? NEW_STATUS;
  const status = { ...last, error: refusal.message };
  await recordParts(ctx, services, container.id, { status });
  throw refusal;
}

/**
 * The same for a new container, which is made also if it can't be started.
 * @returns why it can't
 */
export async function tryToShare(
  ctx: Context,
  services: Pick<Services, "tasks">,
  bundle: Bundle,
  sharing: AskedSharing,
): Promise<TaskStartError | undefined> {
  try {
    await shareNamespaces(ctx, services, bundle, sharing);
    return undefined;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { message, hint } = error;
    return new TaskStartError(START_FAILURE.engine, message, {
      cause: error,
      ...hint === undefined ? {} : { hint },
    });
  }
}

export function notFromHere(): EngineError {
  return failedPrecondition(
    "Cannot share namespaces of containers that a daemon keeps",
    {
      hint: "Leave out --address: containers of the store itself can be joined",
    },
  );
}
