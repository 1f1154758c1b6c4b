/** Makes a container and starts it under a shim, which keeps it. */

import { cleanUp, type Context } from "../base/context.ts";
import { mayStandIn } from "../core/keeper.ts";
import type { Bundle, Task } from "../core/task.ts";
import { makeParts } from "./container_parts.ts";
import {
  bundleRecord,
  type ContainerPlan,
  planContainer,
} from "./container_plan.ts";
import { recordParts } from "./container_record.ts";
import { type MadeSpec, writeSpec } from "./container_spec.ts";
import { discardContainer, finishContainer } from "./finish.ts";
import type { CreateDeps } from "./life_deps.ts";
import type { RunOptions } from "./run_options.ts";
import { launch, type LaunchStyle, startRequest } from "./start.ts";
import { failedStatus } from "./task_end.ts";

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
    ...mayStandIn(options) ? { shim: "later" } : {},
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
  const request = startRequest(ctx, deps, plan, hooks.style);
  using early = await services.tasks.prepareLaunch(ctx, bundle, request);
  const made = await makeOrDiscard(ctx, deps, options, plan, bundle, early);
  hooks.created?.(plan.id);
  const { text: spec, refusal } = made;
  if (refusal !== undefined) {
    early[Symbol.dispose]();
    await recordParts(ctx, services, plan.id, { spec });
    const failed = failedStatus(undefined, refusal, deps.now());
    await cleanUp(
      ctx,
      UNDO_BUDGET_MS,
      (ctx) => finishContainer(ctx, deps, bundle, failed),
    );
    throw refusal;
  }
  return await launch(ctx, deps, bundle, request, spec);
}

/** @param early what waits for the spec: it goes before the bundle does */
async function makeOrDiscard(
  ctx: Context,
  deps: CreateDeps,
  options: RunOptions,
  plan: ContainerPlan,
  bundle: Bundle,
  early: Disposable,
): Promise<MadeSpec> {
  try {
    return await makeContainer(ctx, deps, options, plan, bundle);
  } catch (error) {
    early[Symbol.dispose]();
    await cleanUp(
      ctx,
      UNDO_BUDGET_MS,
      (ctx) => discardContainer(ctx, deps, bundle),
    );
    throw error;
  }
}

/** Its spec is recorded when there is time. */
async function makeContainer(
  ctx: Context,
  deps: CreateDeps,
  options: RunOptions,
  plan: ContainerPlan,
  bundle: Bundle,
): Promise<MadeSpec> {
  await makeParts(ctx, deps, options, plan, bundle);
  return await writeSpec(
    ctx,
    deps,
    options,
    plan,
    bundle,
    "containerDirectory",
  );
}
