/** From an invocation to what the use cases need that make containers. */

import type { Context } from "../base/context.ts";
import { mayStandIn } from "../core/keeper.ts";
import { parseReference } from "../base/reference.ts";
import type { CreateDeps, LifeDeps } from "../engine/life_deps.ts";
import type { RunOptions } from "../engine/run_options.ts";
import type { Invocation, StoreOptions } from "./command.ts";
import { lifeDeps, newId, readOptionFile } from "./life_deps.ts";
import { parseRunOptions } from "./run_options.ts";

/** What killed processes left is for later: a start has no time for it. */
export async function createDeps(inv: Invocation): Promise<CreateDeps> {
  return await depsWith(inv, { leftovers: "later" }, newId());
}

/** As `createDeps`, for a container that is started under a shim at once. */
export async function startDeps(
  inv: Invocation,
  options: RunOptions,
): Promise<CreateDeps> {
  const { runtime } = options;
  const id = newId();
  const starting = {
    namespace: inv.ctx.namespace,
    id,
    ...runtime === undefined ? {} : { runtime },
    ...mayStandIn(options) ? { shim: "later" as const } : {},
  };
  return await depsWith(inv, { leftovers: "later", starting }, id);
}

async function depsWith(
  inv: Invocation,
  options: StoreOptions,
  id: string,
): Promise<CreateDeps> {
  return {
    ...await lifeDeps(inv, options),
    pull: (ctx, reference, platform) => pull(inv, ctx, reference, platform),
    newId: () => id,
  };
}

/** What the command line of `run` or `create` asks for. */
export async function createOptions(inv: Invocation): Promise<RunOptions> {
  const options = parseRunOptions(inv.flags, inv.args, {
    env: inv.env,
    cwd: Deno.cwd(),
    readText: readOptionFile,
  });
  if (!inv.flags.declares("expose")) return options;
  const { withRareOptions } = await import("./rare_flags.ts");
  return withRareOptions(inv, options);
}

/** The rest of it, once there is a store to look things up in. */
export async function settledOptions(
  inv: Invocation,
  deps: LifeDeps,
  options: RunOptions,
): Promise<RunOptions> {
  if (options.rare === undefined) return options;
  const { settleRareOptions } = await import("./rare_flags.ts");
  return await settleRareOptions(inv.ctx, deps, options);
}

/** As `coracle pull`, but standard output belongs to the container. */
async function pull(
  inv: Invocation,
  ctx: Context,
  reference: string,
  platform: string | undefined,
): Promise<void> {
  const { pullImage } = await import("../engine/pull.ts");
  const { progressStyle, progressView } = await import("./progress.ts");
  const { wantedPlatform } = await import("../engine/images_platform.ts");
  const quiet = inv.flags.boolean("quiet");
  if (!quiet && inv.flags.string("pull") !== "always") {
    inv.stderr.line(`Unable to find image "${reference}" locally`);
  }
  using view = progressView({
    out: inv.stderr,
    style: progressStyle(inv.stderr, { quiet, env: inv.env }),
    now: inv.now,
  });
  const { imageVerifiers } = await import("../app/image_verifiers.ts");
  const { services, config } = await inv.store();
  await pullImage(ctx, services, parseReference(reference), {
    verifiers: imageVerifiers(config),
    platforms: wantedPlatform(platform),
    onProgress: view.onProgress,
  });
}
