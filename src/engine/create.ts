/** Makes a container without starting it. */

import { cleanUp, type Context } from "../base/context.ts";
import { makeParts } from "./container_parts.ts";
import { bundleRecord, planContainer } from "./container_plan.ts";
import { recordParts } from "./container_record.ts";
import { makeSpec } from "./container_spec.ts";
import { discardContainer } from "./finish.ts";
import type { CreateDeps } from "./life_deps.ts";
import type { RunOptions } from "./run_options.ts";

/** Time to take back what a failed creation has made. */
const UNDO_BUDGET_MS = 10_000;

/**
 * Whatever happens meanwhile, either all of the container is there afterwards
 * or nothing: until it is complete, a bundle stands for it that says so.
 * @returns its id
 * @throws {EngineError}
 */
export async function createContainer(
  ctx: Context,
  deps: CreateDeps,
  options: RunOptions,
): Promise<string> {
  const { services } = deps;
  const plan = await planContainer(ctx, deps, options, deps.newId());
  const bundle = services.bundles.create(
    ctx,
    bundleRecord(ctx, plan, "onExit"),
  );
  try {
    await makeParts(ctx, deps, options, plan, bundle);
    const spec = await makeSpec(
      ctx,
      deps,
      options,
      plan,
      bundle,
      "containerDirectory",
    );
    await services.mounter.unmountAll(ctx, bundle.rootfs);
    await recordParts(ctx, services, plan.id, { spec: spec.text });
    bundle.remove();
    return plan.id;
  } catch (error) {
    await cleanUp(
      ctx,
      UNDO_BUDGET_MS,
      (ctx) => discardContainer(ctx, deps, bundle),
    );
    throw error;
  }
}
