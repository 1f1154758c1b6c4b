/**
 * Tasks that the command line has started, for the daemon's clients: under our
 * keeper, under a shim of somebody else, or in the foreground of a command.
 */

import type { Context } from "../../base/context.ts";
import { hasCode, notFound } from "../../base/errors.ts";
import { sleep } from "../../base/sleep.ts";
import type { ShimService } from "../../core/shim.ts";
import type { BundleStore, BundleView, TaskManager } from "../../core/task.ts";
import { readEndpoint } from "./bundle_files.ts";
import { foregroundShim } from "./foreground_shim.ts";
import { sleepingShim } from "./sleeping_shim.ts";
import type { ShimEndpoint, ShimWire } from "./wire.ts";

export interface OtherTasksDeps {
  readonly bundles: BundleStore;
  readonly wire: ShimWire;
  /** Finds those that no shim keeps. */
  readonly tasks: () => TaskManager;
}

export interface OtherTasks {
  /** In the context's namespace. */
  ids(ctx: Context): readonly string[];
  /**
   * Calls whatever keeps the task.
   * @throws {EngineError} `notFound` if there is no such task
   */
  use<T>(
    ctx: Context,
    id: string,
    call: (shim: ShimService) => Promise<T>,
  ): Promise<T>;
}

export function createOtherTasks(deps: OtherTasksDeps): OtherTasks {
  const { bundles } = deps;
  return {
    ids: (ctx) =>
      [...bundles.list(ctx)].map(({ record }) => record)
        .filter(({ namespace, removal }) =>
          namespace === ctx.namespace && removal !== "byClient"
        )
        .map(({ id }) => id),

    async use(ctx, id, call) {
      const bundle = bundles.find(ctx, { namespace: ctx.namespace, id });
      if (bundle === undefined || bundle.record.removal === "byClient") {
        throw notFound("task", id);
      }
      return await unlessEnding(
        ctx,
        deps,
        id,
        () => callKeeper(ctx, deps, bundle, call),
      );
    },
  };
}

async function callKeeper<T>(
  ctx: Context,
  deps: OtherTasksDeps,
  bundle: BundleView,
  call: (shim: ShimService) => Promise<T>,
): Promise<T> {
  const endpoint = endpointOf(bundle);
  const connect = (endpoint: ShimEndpoint) => deps.wire.connect(ctx, endpoint);
  if (endpoint !== undefined && !sleeps(endpoint)) {
    await using shim = await connect(endpoint);
    return await call(shim);
  }
  const task = await deps.tasks().find(ctx, bundle.record);
  if (task === undefined) throw notFound("task", bundle.record.id);
  const seen = foregroundShim(task, bundle);
  if (endpoint === undefined) return await call(seen);
  await using shim = sleepingShim(seen, () => connect(endpoint));
  return await call(shim);
}

/** In which a shim that has ended is cleaned up after. */
const END_MS = 500;
const PAUSE_MS = 20;

/** @throws {EngineError} `notFound` if there is no such task a moment later */
async function unlessEnding<T>(
  ctx: Context,
  { bundles }: OtherTasksDeps,
  id: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!hasCode(error, "unavailable")) throw error;
    const ref = { namespace: ctx.namespace, id };
    for (let waited = 0; waited < END_MS; waited += PAUSE_MS) {
      if (bundles.find(ctx, ref) === undefined) throw notFound("task", id);
      await sleep(PAUSE_MS, ctx.signal);
    }
    throw error;
  }
}

/** Whether nobody is there who would answer without being woken. */
function sleeps({ address, wake }: ShimEndpoint): boolean {
  if (wake === undefined) return false;
  try {
    Deno.lstatSync(address.replace("unix://", ""));
    return false;
  } catch {
    return true;
  }
}

/** Undefined if it runs in the foreground, without a shim. */
function endpointOf({ path }: BundleView): ShimEndpoint | undefined {
  return readKeeper(path) ?? readEndpoint(path);
}

/** What our own keeper writes, which has more than an endpoint. */
function readKeeper(bundle: string): ShimEndpoint | undefined {
  try {
    const { address, version, wake } = JSON.parse(
      Deno.readTextFileSync(`${bundle}/shim.json`),
    ) as ShimEndpoint;
    return { address, version, ...wake === undefined ? {} : { wake } };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
