/** Removing containers: the record, the writable layer, what it held. */

import type { Context } from "../base/context.ts";
import { EngineError, failedPrecondition, hasCode } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import type { Services } from "../core/services.ts";
import { containerName, findContainer } from "./inspect_find.ts";
import { containerState } from "./inspect_state.ts";
import { anonymousVolumes } from "./volumes.ts";

export interface RemoveContainerOptions {
  /** What if it is running. */
  readonly running: "refuse" | "kill";
  /** Its anonymous volumes: kept, or removed from below this directory. */
  readonly volumes:
    | { readonly kind: "keep" }
    | { readonly kind: "remove"; readonly path: string };
}

/**
 * @returns what was removed
 * @throws {EngineError} `notFound`; `failedPrecondition` if it is running
 */
export async function removeContainer(
  ctx: Context,
  services: Services,
  text: string,
  { running, volumes }: RemoveContainerOptions,
): Promise<Container> {
  const container = await findContainer(ctx, services, text);
  if (containerState(container).status === "running") {
    if (running === "refuse") {
      throw failedPrecondition(
        `Cannot remove container "${containerName(container)}": it is running`,
        { hint: "Stop it first, or use --force" },
      );
    }
    await kill(ctx, services, container);
  }
  await ignoreMissing(services.containers.delete(ctx, container.id));
  const snapshotter = services.snapshotters.get(container.snapshotter);
  if (container.snapshotKey !== "") {
    await ignoreMissing(snapshotter?.remove(ctx, container.snapshotKey));
  }
  if (volumes.kind === "remove") {
    services.host.removeDirectory(
      anonymousVolumes(`${volumes.path}/${ctx.namespace}`, container.id),
    );
  }
  return container;
}

async function kill(
  ctx: Context,
  services: Services,
  container: Container,
): Promise<void> {
  await services.tasks.destroy(ctx, {
    id: container.id,
    namespace: ctx.namespace,
    runtime: container.runtime.name,
    snapshotter: container.snapshotter,
    snapshotKey: container.snapshotKey,
    removal: "keep",
  });
  await untilFinished(ctx, services, container.id);
}

const FINISH_BUDGET_MS = 10_000;
const POLL_MS = 20;

/**
 * The process that ran it unmounts its root file system and says how it
 * ended; before that its snapshot can't go.
 */
async function untilFinished(
  ctx: Context,
  services: Services,
  id: string,
): Promise<void> {
  for (let waited = 0; waited < FINISH_BUDGET_MS; waited += POLL_MS) {
    ctx.signal.throwIfAborted();
    try {
      const container = await services.containers.get(ctx, id);
      if (containerState(container).status !== "running") return;
    } catch (error) {
      if (hasCode(error, "notFound")) return;
      throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new EngineError(
    "deadlineExceeded",
    `Cannot remove container "${id}": it does not end`,
    { hint: "Try again; coracle fsck says what is left of it" },
  );
}

async function ignoreMissing(
  work: Promise<unknown> | undefined,
): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!hasCode(error, "notFound")) throw error;
  }
}
