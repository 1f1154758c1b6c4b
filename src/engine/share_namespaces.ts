/** Starting containers that share something with others. */

import type { Context } from "../base/context.ts";
import { EngineError, failedPrecondition } from "../base/errors.ts";
import type { AskedSharing } from "../core/shared_paths.ts";
import type { Services } from "../core/services.ts";
import { START_FAILURE, TaskStartError } from "../core/start_failure.ts";
import type { Bundle } from "../core/task.ts";

/**
 * Makes what it shares ready, until the bundle is let go of.
 * @throws {EngineError} `failedPrecondition` if another container does not run
 */
export async function shareNamespaces(
  ctx: Context,
  { tasks }: Pick<Services, "tasks">,
  bundle: Bundle,
  sharing: AskedSharing,
): Promise<void> {
  if (tasks.shareNamespaces === undefined) throw notFromHere();
  await tasks.shareNamespaces(ctx, bundle, sharing);
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
