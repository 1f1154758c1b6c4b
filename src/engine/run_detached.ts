/** Makes a container and starts it under a shim, which keeps it. */

import { cleanUp, type Context } from "../base/context.ts";
import type { Bundle, Task } from "../core/task.ts";
import {
  bundleRecord,
  type ContainerPlan,
  planContainer,
} from "./container_plan.ts";
import { makeSpec, prepareRoot, specValue } from "./container_spec.ts";
import { discardContainer } from "./finish.ts";
import type { CreateDeps } from "./life_deps.ts";
import type { RunOptions } from "./run_options.ts";
import { launch, type LaunchStyle } from "./start.ts";

/** Time to take back what a failed creation has made. */
const UNDO_BUDGET_MS = 10_000;

export interface DetachedHooks {
  /** The container exists, and its process is about to start. */
  readonly created?: (id: string) => void;
  readonly style?: LaunchStyle;
}

/**
 * @returns its task, which may have ended already
 * @throws {TaskStartError} if its command could not be started; {EngineError}
 */
export async function runDetached(
  ctx: Context,
  deps: CreateDeps,
  options: RunOptions,
  hooks: DetachedHooks = {},
): Promise<Task> {
  const { services } = deps;
  const id = deps.newId();
  // The shim starts up while everything else is made.
  using _early = services.tasks.prepareStart(ctx, {
    namespace: ctx.namespace,
    id,
    runtime: options.runtime ?? services.tasks.defaultRuntime,
  });
  const plan = await planContainer(ctx, deps, options, id);
  return await runPlanned(ctx, deps, options, plan, hooks);
}

/** The rest of it, once the image is there. */
export async function runPlanned(
  ctx: Context,
  deps: CreateDeps,
  options: RunOptions,
  plan: ContainerPlan,
  hooks: DetachedHooks = {},
): Promise<Task> {
  const { services } = deps;
  const bundle = services.bundles.create(ctx, bundleRecord(ctx, plan));
  try {
    await makeContainer(ctx, deps, options, plan, bundle);
  } catch (error) {
    await cleanUp(
      ctx,
      UNDO_BUDGET_MS,
      (ctx) => discardContainer(ctx, deps, bundle),
    );
    throw error;
  }
  hooks.created?.(plan.id);
  return await launch(ctx, deps, bundle, plan.settings, hooks.style);
}

/** The record comes last: with its spec, at once, it is complete. */
async function makeContainer(
  ctx: Context,
  deps: CreateDeps,
  options: RunOptions,
  plan: ContainerPlan,
  bundle: Bundle,
): Promise<void> {
  await prepareRoot(ctx, deps, plan, bundle);
  const spec = await makeSpec(ctx, deps, options, plan, bundle, {
    files: "containerDirectory",
    command: "check",
  });
  bundle.write("config.json", spec);
  await deps.services.containers.create(ctx, {
    ...plan.container,
    spec: specValue(spec),
  });
}
