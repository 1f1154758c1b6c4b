/** Work on a container that others may be removing, or making, meanwhile. */

import type { Context } from "../base/context.ts";
import { failedPrecondition, notFound, unlessMissing } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import { settingsOf } from "../core/container_settings.ts";
import type { Services } from "../core/services.ts";
import { containerName } from "./inspect_find.ts";
import { whyUnusable } from "./why_unusable.ts";

type Stores = Pick<Services, "containers" | "snapshotters">;

/** A record comes soon before the layer, and goes soon after it. */
const PATIENCE_MS = 500;
const PAUSE_MS = 20;

/**
 * Runs `work`. What fails because the container is being removed says so,
 * instead of what it was that was not there any more.
 * @throws {EngineError} `notFound` for the container; what `work` throws
 */
export async function whileThere<T>(
  ctx: Context,
  services: Stores,
  container: Container,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw await explained(ctx, services, container, error);
  }
}

/** What is to be told instead of an error, or the same. */
export async function explained(
  ctx: Context,
  services: Stores,
  container: Container,
  error: unknown,
): Promise<unknown> {
  const name = containerName(container);
  const found = await lookAgain(ctx, services, container)
    .catch(() => "whole" as const);
  if (found === undefined) {
    const hint = "coracle ps -a lists the ones there are";
    return notFound("container", name, { cause: error, hint });
  }
  if (found === "whole" || settingsOf(found) === undefined) return error;
  return failedPrecondition(
    `Cannot use container "${name}": ${whyUnusable(found)}`,
    { cause: error, hint: "Try again in a moment" },
  );
}

/** @returns its record if it is one that is being made */
async function lookAgain(
  ctx: Context,
  services: Stores,
  container: Container,
): Promise<Container | "whole" | undefined> {
  const { containers } = services;
  for (let waited = 0;; waited += PAUSE_MS) {
    const found = await unlessMissing(containers.get(ctx, container.id));
    if (found === undefined) return undefined;
    if (await hasLayer(ctx, services, found)) return "whole";
    if (waited >= PATIENCE_MS || ctx.signal.aborted) {
      return found.spec === undefined ? found : "whole";
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function hasLayer(
  ctx: Context,
  { snapshotters }: Stores,
  { snapshotter, snapshotKey }: Container,
): Promise<boolean> {
  const snapshots = snapshotters.get(snapshotter);
  if (snapshotKey === "" || snapshots === undefined) return true;
  const layer = await unlessMissing(snapshots.stat(ctx, snapshotKey));
  return layer !== undefined;
}
