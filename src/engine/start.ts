/** Starts a container that exists. */

import { cleanUp, type Context } from "../base/context.ts";
import { failedPrecondition, hasCode } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import {
  type ContainerSettings,
  settingsOf,
} from "../core/container_settings.ts";
import type {
  Bundle,
  BundleRecord,
  ExitStatus,
  StartRequest,
  Task,
  TaskRef,
} from "../core/task.ts";
import { mayStandIn } from "../core/keeper.ts";
import { askedSharing } from "../core/shared_paths.ts";
import { parseSpec } from "../oci/spec/serialize.ts";
import { recordParts } from "./container_record.ts";
import { discardBundle, finishContainer } from "./finish.ts";
import { containerName } from "./inspect_find.ts";
import { containerDirectory, type LifeDeps } from "./life_deps.ts";
import { renewNetworkFiles } from "./network_files.ts";
import { finishAbandoned, settle } from "./reconcile.ts";
import { inForeground, runningStatus, taskStdio, toItsEnd } from "./run.ts";
import { failedStatus } from "./task_end.ts";
import { publishStart } from "./task_events.ts";
import { whileThere } from "./while_there.ts";
import { whyUnusable } from "./why_unusable.ts";

/** `held` for those who attach to it at once. */
export type LaunchStyle = Pick<StartRequest, "output">;

/** How often others may come first. */
const CREATE_TRIES = 10;

/** Time to take back what a failed start has made. */
const UNDO_BUDGET_MS = 10_000;

/**
 * Starts a stopped container under a shim.
 * @param container with its spec
 * @returns its task, which may have ended already
 * @throws {TaskStartError}
 */
export async function startContainer(
  ctx: Context,
  deps: LifeDeps,
  container: Container,
  style: LaunchStyle = {},
): Promise<Task> {
  const settings = settingsFor(container);
  using _early = deps.services.tasks.prepareStart(ctx, {
    namespace: ctx.namespace,
    id: container.id,
    runtime: container.runtime.name,
    ...mayStandIn(settings) ? { shim: "later" } : {},
  });
  const bundle = await openBundle(ctx, deps, container, settings);
  const request = startRequest(ctx, deps, { ...container, settings }, style);
  return await launch(ctx, deps, bundle, request);
}

/**
 * Starts a stopped container with our own streams, and waits for its end.
 * @throws {TaskStartError}
 */
export async function startForeground(
  ctx: Context,
  deps: LifeDeps,
  container: Container,
  stdin: "open" | "closed",
): Promise<ExitStatus> {
  const settings = settingsFor(container);
  const bundle = await openBundle(ctx, deps, container, settings);
  return await toItsEnd(
    ctx,
    deps,
    bundle,
    () =>
      inForeground(ctx, deps, bundle, taskStdio({ ...settings, stdin }), {}),
  );
}

/** @throws {EngineError} `failedPrecondition` for a container of others */
function settingsFor(container: Container): ContainerSettings {
  const settings = settingsOf(container);
  if (settings !== undefined && container.spec !== undefined) return settings;
  throw failedPrecondition(
    `Cannot start container "${containerName(container)}": ` +
      whyUnusable(container),
  );
}

/** A new bundle with the container's spec, and its root mounted. */
async function openBundle(
  ctx: Context,
  deps: LifeDeps,
  container: Container,
  settings: ContainerSettings,
): Promise<Bundle> {
  const { id, snapshotter, snapshotKey, runtime } = container;
  return await whileThere(ctx, deps.services, container, async () => {
    const bundle = await createBundle(ctx, deps, {
      ...{ namespace: ctx.namespace, id },
      runtime: runtime.name,
      snapshotter,
      snapshotKey,
      removal: settings.removal,
    });
    try {
      await fillBundle(ctx, deps, bundle, container, settings);
      return bundle;
    } catch (error) {
      await discardBundle(ctx, deps, bundle);
      throw error;
    }
  });
}

async function fillBundle(
  ctx: Context,
  deps: LifeDeps,
  bundle: Bundle,
  container: Container,
  settings: ContainerSettings,
): Promise<void> {
  const { services } = deps;
  const { id, snapshotter, snapshotKey } = container;
  const recorded = new TextDecoder().decode(container.spec?.value);
  const text = await share(ctx, deps, bundle, container, recorded);
  bundle.writeSpec(text);
  renewNetworkFiles(
    settings,
    parseSpec(text).mounts ?? [],
    containerDirectory(deps, ctx.namespace, id),
    services.host,
  );
  const mounts = await services.snapshotters.get(snapshotter)
    ?.mounts(ctx, snapshotKey);
  if (mounts !== undefined) {
    await services.mounter.mount(ctx, mounts, bundle.rootfs);
  }
}

/**
 * @returns the spec with which it is started here
 * @throws {EngineError} if it joins a container that does not run
 */
async function share(
  ctx: Context,
  { services }: LifeDeps,
  bundle: Bundle,
  container: Container,
  spec: string,
): Promise<string> {
  const sharing = askedSharing(settingsOf(container)?.asked);
  if (sharing === undefined) return spec;
  const { shareAgain, withSharedPaths } = await import("./share_namespaces.ts");
  await shareAgain(ctx, services, bundle, container, sharing);
  return withSharedPaths(spec, bundle.path, sharing);
}

/** Of a task that has just ended, or is just copied to, something may be left. */
async function createBundle(
  ctx: Context,
  deps: LifeDeps,
  record: BundleRecord,
): Promise<Bundle> {
  for (let triesLeft = CREATE_TRIES;; triesLeft--) {
    await settle(ctx, deps, record);
    try {
      return deps.services.bundles.create(ctx, record);
    } catch (error) {
      // Somebody was faster, who may be as fast to leave.
      if (triesLeft === 0 || !hasCode(error, "alreadyExists")) throw error;
    }
  }
}

/** What a start under a shim asks for. */
export function startRequest(
  { namespace }: Context,
  deps: LifeDeps,
  { id, settings }: {
    readonly id: string;
    readonly settings: ContainerSettings;
  },
  style: LaunchStyle = {},
): StartRequest {
  const logDirectory = containerDirectory(deps, namespace, id);
  return { settings, ...style, logDirectory };
}

/**
 * Starts a bundle that is ready under a shim, and lets go of it.
 * @param spec to be written into the record, if it is not there yet
 * @returns the task, which may have ended already
 * @throws {TaskStartError} after finishing the bundle
 */
export async function launch(
  ctx: Context,
  deps: LifeDeps,
  bundle: Bundle,
  request: StartRequest,
  spec?: string,
): Promise<Task> {
  const recorded = recordMeanwhile(ctx, deps, bundle, spec);
  const task = await startTask(ctx, deps, bundle, request, recorded);
  await recorded;
  {
    // Held until all is written: what its end is to say must come later.
    using _held = bundle;
    const status = bundle.status() ?? await task.status(ctx);
    await publishStart(ctx, deps.services, task.id, status.pid);
  }
  await finishIfOver(ctx, deps, bundle.record);
  return task;
}

/** Once the runtime works, which takes longer. Never rejects. */
async function recordMeanwhile(
  ctx: Context,
  { services, now }: LifeDeps,
  { record: { id } }: Bundle,
  spec: string | undefined,
): Promise<void> {
  const status = runningStatus(now());
  await new Promise((resolve) => setTimeout(resolve));
  try {
    await recordParts(ctx, services, id, {
      status,
      ...spec === undefined ? {} : { spec },
    });
  } catch (error) {
    // Nothing that goes on beside the container may end it.
    ctx.log.warn("Cannot record the state of a container", { id, error });
  }
}

/** @param recorded what a failure is to be written over */
async function startTask(
  ctx: Context,
  deps: LifeDeps,
  bundle: Bundle,
  request: StartRequest,
  recorded: Promise<void>,
): Promise<Task> {
  const { tasks } = deps.services;
  try {
    return await tasks.start(ctx, bundle, request);
  } catch (error) {
    await recorded;
    await cleanUp(ctx, UNDO_BUDGET_MS, async (ctx) => {
      await tasks.destroy(ctx, bundle.record);
      const failed = failedStatus(bundle.status(), error, deps.now());
      await finishContainer(ctx, deps, bundle, failed);
    });
    throw error;
  }
}

/**
 * While we held the bundle nobody else could finish it: a task that has ended
 * meanwhile is ours to finish.
 */
async function finishIfOver(
  ctx: Context,
  deps: LifeDeps,
  ref: TaskRef,
): Promise<void> {
  const { bundles } = deps.services;
  if (bundles.find(ctx, ref)?.status()?.state !== "stopped") return;
  using bundle = bundles.claim(ctx, ref);
  if (bundle !== undefined) await finishAbandoned(ctx, deps, bundle);
}
