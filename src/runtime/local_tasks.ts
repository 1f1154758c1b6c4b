/**
 * Tasks that an OCI runtime runs: started under shims of ours, and found again
 * by any process, whoever keeps them.
 */

import type { Context } from "../base/context.ts";
import type { Host } from "../core/host.ts";
import type {
  EarlyShim,
  Keepers,
  KeepRequest,
  PendingShim,
  ShimRecord,
} from "../core/keeper.ts";
import type {
  Bundle,
  BundleStore,
  KeptTasks,
  StartRequest,
  Task,
  TaskRef,
} from "../core/task.ts";
import { bundlePath } from "./bundles.ts";
import { LocalTask } from "./local_task.ts";
import { runtimeOn, runtimeRoot } from "./runtime_programs.ts";

export interface LocalTasksDeps {
  readonly host: Host;
  /** The state directory. */
  readonly state: string;
  readonly bundles: BundleStore;
  readonly keepers: Keepers;
  /** One that has been started for a task already. */
  readonly early?: EarlyShim;
  readonly now: () => Date;
  /** Of this process, `NAME=value`. */
  readonly env: () => readonly string[];
  /** The command that finishes what has ended. */
  readonly finishCommand: readonly string[];
  /** The command that publishes an event, which is its input. */
  readonly publishCommand: readonly string[];
}

export function createLocalTasks(deps: LocalTasksDeps): KeptTasks {
  const pending = new Map<string, PendingShim>();
  const keyOf = ({ namespace, id }: TaskRef) => `${namespace}/${id}`;
  const { early, keepers } = deps;
  if (early !== undefined) pending.set(keyOf(early.task), early.shim);
  const spawnShim = (task: TaskRef) =>
    keepers.spawn(task.namespace, task.id, bundlePath(deps.state, task));
  const hold = (task: TaskRef, shim: PendingShim): Disposable => {
    const key = keyOf(task);
    pending.set(key, shim);
    return {
      [Symbol.dispose]() {
        if (pending.get(key) === shim) pending.delete(key);
        shim[Symbol.dispose]();
      },
    };
  };
  return {
    prepareStart(_ctx: Context, task) {
      if (task.shim === "later" && keepers.standIn !== undefined) {
        return { [Symbol.dispose]() {} };
      }
      return hold(task, pending.get(keyOf(task)) ?? spawnShim(task));
    },

    prepareLaunch(_ctx: Context, bundle, request) {
      const { record } = bundle;
      const shim = pending.get(keyOf(record)) ??
        keepers.standIn?.(bundle, keepRequest(deps, bundle, request));
      const held = shim === undefined
        ? { [Symbol.dispose]() {} }
        : hold(record, shim);
      return Promise.resolve(held);
    },

    async start(ctx: Context, bundle: Bundle, request: StartRequest) {
      const order = keepRequest(deps, bundle, request);
      const key = keyOf(bundle.record);
      using shim = pending.get(key) ?? keepers.standIn?.(bundle, order) ??
        spawnShim(bundle.record);
      pending.delete(key);
      await shim.launch(ctx, order);
      return taskOf(ctx, deps, bundle.record) ?? missing(bundle);
    },

    find: (ctx: Context, task: TaskRef) =>
      Promise.resolve(taskOf(ctx, deps, task)),
  };
}

function keepRequest(
  { host, state, finishCommand, publishCommand }: LocalTasksDeps,
  { path, record }: Bundle,
  { settings, logDirectory, output }: StartRequest,
): KeepRequest {
  const { namespace, id, runtime } = record;
  return {
    namespace,
    id,
    bundle: path,
    runtime: runtimeOn(host, runtime).path,
    runtimeRoot: runtimeRoot(state, record),
    settings,
    logDirectory,
    ...output === undefined ? {} : { output },
    finishCommand,
    publishCommand,
  };
}

function missing(bundle: Bundle): never {
  throw new Error(`bundle "${bundle.path}" has gone while it was held`);
}

function taskOf(
  ctx: Context,
  deps: LocalTasksDeps,
  ref: TaskRef,
): Task | undefined {
  const bundle = deps.bundles.find(ctx, ref);
  if (bundle === undefined) return undefined;
  const shim = readShim(bundle.path);
  return new LocalTask({
    ...deps,
    bundle,
    ...shim === undefined ? {} : { shim },
  });
}

/** Undefined if it runs in the foreground of a command. */
function readShim(bundle: string): ShimRecord | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(`${bundle}/shim.json`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
