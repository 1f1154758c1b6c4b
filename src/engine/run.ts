/**
 * Runs a container in the foreground, from the image to the exit code.
 *
 * What there is afterwards: nothing with `--rm`; else the record and the
 * writable snapshot, also if its command could not be started. A process that is
 * killed meanwhile leaves its bundle, and `reconcile` finishes the work from
 * that.
 */

import type { Context } from "../base/context.ts";
import type { ContainerSettings } from "../core/container_settings.ts";
import type { Bundle, ExitStatus, Task, TaskStdio } from "../core/task.ts";
import { NEW_STATUS, type TaskStatus } from "../core/task_status.ts";
import { LostDaemonError } from "../core/through_socket.ts";
import { makeParts } from "./container_parts.ts";
import {
  type ContainerPlan,
  expectedRecord,
  planContainer,
} from "./container_plan.ts";
import { recordParts } from "./container_record.ts";
import { type MadeSpec, writeSpec } from "./container_spec.ts";
import { discardContainer, finishContainer } from "./finish.ts";
import type { CreateDeps, LifeDeps } from "./life_deps.ts";
import type { RunOptions } from "./run_options.ts";
import { endedStatus, failedStatus } from "./task_end.ts";
import { publishOom, publishStart } from "./task_events.ts";

export interface RunHooks {
  /** The container exists, and its process is about to start. */
  readonly created?: (id: string) => void;
  /** The process is starting: there is time until it ends. */
  readonly starting?: () => Promise<void>;
  /** Connects streams with a task that a shim has to keep, to its end. */
  readonly attach?: (task: Task) => Promise<ExitStatus>;
  /** `shim`: it has to, also if only the command wants it. */
  readonly keeping?: "shim";
}

/**
 * Runs a new container to its end.
 * @throws {TaskStartError} if its command could not be started; {EngineError}
 */
export async function runContainer(
  ctx: Context,
  deps: CreateDeps,
  options: RunOptions,
  hooks: RunHooks = {},
): Promise<ExitStatus> {
  const { services } = deps;
  const { attach } = hooks;
  const id = deps.newId();
  if (attach !== undefined && isKept(options, hooks)) {
    const plan = await planContainer(ctx, deps, options, id);
    return await attach(await runKept(ctx, deps, options, plan, hooks));
  }
  // The bundle first: whatever is made after it can be found and removed. Its
  // runtime starts up while the image is looked for.
  const record = expectedRecord(ctx, services, options, id);
  const bundle = services.bundles.create(ctx, record);
  const stdio = taskStdio(options);
  await using early = services.tasks.prepareForeground(ctx, bundle, stdio);
  const patient = pullingLater(deps, early);
  const plan = await planOrDiscard(ctx, patient, options, bundle, early);
  if (attach !== undefined && needsShim(plan.settings)) {
    // The image says how to probe it.
    await early[Symbol.asyncDispose]();
    bundle.remove();
    return await attach(await runKept(ctx, deps, options, plan, hooks));
  }
  const made = await makeContainer(ctx, patient, options, plan, bundle, early);
  hooks.created?.(plan.id);
  return await toItsEnd(ctx, deps, bundle, async () => {
    const spec = made.text;
    if (made.refusal !== undefined) {
      await early[Symbol.asyncDispose]();
      await recordParts(ctx, services, plan.id, { spec });
      throw made.refusal;
    }
    return await inForeground(ctx, deps, bundle, stdio, {
      spec,
      ...hooks.starting === undefined ? {} : { meanwhile: hooks.starting },
    });
  });
}

/** Whether a shim has to keep it, whatever its image says. */
function isKept({ restart }: RunOptions, { keeping }: RunHooks): boolean {
  return keeping === "shim" || restart.kind !== "no";
}

async function runKept(
  ctx: Context,
  deps: CreateDeps,
  options: RunOptions,
  plan: ContainerPlan,
  { created }: RunHooks,
): Promise<Task> {
  const { runPlanned } = await import("./run_detached.ts");
  return await runPlanned(ctx, deps, options, plan, {
    ...created === undefined ? {} : { created },
    style: { output: "held" },
  });
}

/** @param early what waits for the spec: not while an image is pulled */
function pullingLater(deps: CreateDeps, early: AsyncDisposable): CreateDeps {
  const pull: CreateDeps["pull"] = async (...image) => {
    await early[Symbol.asyncDispose]();
    await deps.pull(...image);
  };
  return { ...deps, pull };
}

async function planOrDiscard(
  ctx: Context,
  deps: CreateDeps,
  options: RunOptions,
  bundle: Bundle,
  early: AsyncDisposable,
): Promise<ContainerPlan> {
  const { id } = bundle.record;
  try {
    return await planContainer(ctx, deps, options, id);
  } catch (error) {
    await early[Symbol.asyncDispose]();
    bundle.remove();
    throw error;
  }
}

/**
 * @param early what waits for the spec: it goes before the bundle does
 * @returns the spec, which is recorded when there is time
 */
async function makeContainer(
  ctx: Context,
  deps: CreateDeps,
  options: RunOptions,
  plan: ContainerPlan,
  bundle: Bundle,
  early: AsyncDisposable,
): Promise<MadeSpec> {
  try {
    await makeParts(ctx, deps, options, plan, bundle);
    return await writeSpec(
      ctx,
      deps,
      options,
      plan,
      bundle,
      options.removal === "onExit" ? "bundle" : "containerDirectory",
    );
  } catch (error) {
    await early[Symbol.asyncDispose]();
    const { signal } = new AbortController();
    await discardContainer({ ...ctx, signal }, deps, bundle);
    throw error;
  }
}

/** How a container that runs in the foreground is connected to us. */
export function taskStdio(
  { stdin, stdio }: Pick<ContainerSettings, "stdin" | "stdio">,
): TaskStdio {
  return { stdin: stdin === "open" ? "inherit" : "null", kind: stdio };
}

/** What a command in the foreground does not do. */
export function needsShim(
  { restart, health }: Pick<ContainerSettings, "restart" | "health">,
): boolean {
  return restart.kind !== "no" || health !== undefined;
}

/**
 * Runs what `body` starts in the bundle, and finishes it however it ends, unless
 * it goes on where nobody can be asked.
 */
export async function toItsEnd(
  ctx: Context,
  deps: LifeDeps,
  bundle: Bundle,
  body: () => Promise<ExitStatus>,
): Promise<ExitStatus> {
  const running = runningStatus(deps.now());
  try {
    const exit = await body();
    const last = bundle.status() ?? running;
    await finish(ctx, deps, bundle, endedStatus(last, exit));
    return exit;
  } catch (error) {
    if (error instanceof LostDaemonError) {
      bundle[Symbol.dispose]();
      throw error;
    }
    const failed = failedStatus(bundle.status(), error, deps.now());
    await finish(ctx, deps, bundle, failed);
    throw error;
  }
}

/** What of a task is recorded while it runs. */
interface Recording {
  readonly spec?: string;
  readonly meanwhile?: () => Promise<void>;
}

/** Runs a bundle that is ready, with our own streams. */
export async function inForeground(
  ctx: Context,
  { services, now }: LifeDeps,
  bundle: Bundle,
  stdio: TaskStdio,
  { spec, meanwhile }: Recording,
): Promise<ExitStatus> {
  const { id } = bundle.record;
  let started: Promise<void> | undefined;
  const announce = (pid: number) => {
    started ??= publishStart(ctx, services, id, pid);
    // It is awaited below, but may fail before.
    started.catch(() => {});
  };
  const exit = services.tasks.runForeground(ctx, bundle, stdio, announce);
  // Nothing that goes on beside the container may end it.
  const [status] = await Promise.all([
    exit,
    record({ spec, status: runningStatus(now()) }),
    meanwhile?.(),
  ]);
  if (started === undefined) announce(bundle.status()?.pid ?? 0);
  await started;
  return status;

  async function record(parts: {
    readonly spec: string | undefined;
    readonly status: TaskStatus;
  }): Promise<void> {
    const { spec, status } = parts;
    try {
      await recordParts(ctx, services, id, {
        status,
        ...spec === undefined ? {} : { spec },
      });
    } catch (error) {
      ctx.log.warn("Cannot record the state of a container", { id, error });
    }
  }
}

/** For the record; what is true of the moment is in the bundle. */
export function runningStatus(now: Date): TaskStatus {
  return { ...NEW_STATUS, state: "running", startedAt: now.toISOString() };
}

/**
 * Under a signal of its own: the one that ended the container must not end
 * this. Without a time limit, because a timer is the slowest thing that could
 * happen here (loading timers takes longer than all of the clean-up).
 */
async function finish(
  ctx: Context,
  deps: LifeDeps,
  bundle: Bundle,
  status: TaskStatus,
): Promise<void> {
  const { signal } = new AbortController();
  const patient = { ...ctx, signal };
  const { id } = bundle.record;
  if (status.oomKilled) await publishOom(patient, deps.services, id);
  await finishContainer(patient, deps, bundle, status);
}
