/** Pauses of a store's containers that end with the command that made them. */

import type { Context } from "../base/context.ts";
import type { PauseStore } from "../core/pauses.ts";
import type { Services } from "../core/services.ts";
import { createPauses } from "../runtime/pauses.ts";
import type { StorePaths } from "./paths.ts";

export function openPauses(paths: StorePaths): PauseStore {
  return createPauses(directory(paths));
}

/** For each command, so it must cost nothing where there are none. */
export async function endAbandonedPauses(
  ctx: Context,
  services: Services,
  paths: StorePaths,
): Promise<void> {
  const { host } = services;
  if (!host.exists(directory(paths))) return;
  const { resumeAbandoned } = await import("../engine/resume_abandoned.ts");
  await resumeAbandoned(ctx, services, openPauses(paths));
}

function directory({ state }: StorePaths): string {
  return `${state}/pauses`;
}
