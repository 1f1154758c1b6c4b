/**
 * Runs a container in the foreground, from the image to the exit code.
 *
 * What there is afterwards: nothing with `--rm`; else the record and the
 * writable snapshot. A process that is killed meanwhile leaves its bundle,
 * and `reconcile` finishes the work from that.
 */

import type { Context } from "../base/context.ts";
import { EngineError, hasCode, invalidArgument } from "../base/errors.ts";
import { checkIdentifier } from "../base/identifier.ts";
import type { NewContainer } from "../core/container.ts";
import type { Host } from "../core/host.ts";
import { LABEL } from "../core/labels.ts";
import type { Services } from "../core/services.ts";
import type { Snapshotter } from "../core/snapshot.ts";
import type { Bundle, BundleRecord, ExitStatus } from "../core/task.ts";
import type { ContainerConfig } from "../oci/image_spec.ts";
import { buildSpec } from "../oci/spec/build.ts";
import { serializeSpec } from "../oci/spec/serialize.ts";
import { CONTAINER_LABEL } from "./container_labels.ts";
import { finishContainer } from "./finish.ts";
import { limitsWarning } from "./limits_warning.ts";
import { networkFiles } from "./network_files.ts";
import { ensureImage, type ImagePuller } from "./run_image.ts";
import type { RunOptions } from "./run_options.ts";
import { specRequest } from "./spec.ts";
import { anonymousVolumes, prepareMounts } from "./volumes.ts";

export interface RunDeps {
  readonly services: Services;
  readonly pull: ImagePuller;
  /** 64 random hexadecimal digits. */
  readonly newId: () => string;
  readonly now: () => Date;
  /** Directory of all volumes. */
  readonly volumesPath: string;
}

export interface RunHooks {
  /** The container exists, and its process is about to start. */
  readonly created?: (id: string) => void;
  /** The process is starting: there is time until it ends. */
  readonly starting?: () => Promise<void>;
}

/** A container that is decided on, of which nothing exists yet. */
interface Plan {
  readonly id: string;
  readonly config: ContainerConfig;
  readonly container: NewContainer;
  readonly snapshotter: Snapshotter | undefined;
  /** Name of the image's top snapshot; empty for a plain directory. */
  readonly parent: string;
}

/** `typeUrl` of a spec in a container's record, as containerd's. */
const SPEC_TYPE = "types.containerd.io/opencontainers/runtime-spec/1/Spec";

/**
 * Runs a new container to its end.
 * @throws {TaskStartError} if its command could not be started; {EngineError}
 */
export async function runContainer(
  ctx: Context,
  deps: RunDeps,
  options: RunOptions,
  hooks: RunHooks = {},
): Promise<ExitStatus> {
  const plan = await planContainer(ctx, deps, options);
  const { id } = plan;
  // The bundle first: whatever is made after it can be found and removed.
  const bundle = deps.services.bundles.create(
    ctx,
    bundleRecord(ctx, options, plan),
  );
  try {
    await deps.services.containers.create(ctx, plan.container);
    const mounted = await mountRoot(ctx, deps, plan, bundle);
    const spec = await writeSpec(ctx, deps, options, plan, bundle, mounted);
    hooks.created?.(id);
    const exit = deps.services.tasks.runForeground(ctx, bundle, {
      stdin: options.stdin === "open" ? "inherit" : "null",
      kind: options.stdio,
    });
    // Nothing that goes on beside the container may end it.
    const [status] = await Promise.all([
      exit,
      recordSpec(ctx, deps, plan, spec),
      hooks.starting?.(),
    ]);
    await finish(ctx, deps, bundle, status);
    return status;
  } catch (error) {
    const exitCode = error instanceof EngineError && "exitCode" in error
      ? Number(error.exitCode)
      : 125;
    await finish(ctx, deps, bundle, { exitCode, exitedAt: deps.now() });
    throw error;
  }
}

/**
 * Under a signal of its own: the one that ended the container must not end
 * this. Without a time limit, because a timer is the slowest thing that could
 * happen here (loading timers takes longer than all of the clean-up).
 */
async function finish(
  ctx: Context,
  deps: RunDeps,
  bundle: Bundle,
  status: ExitStatus,
): Promise<void> {
  const { signal } = new AbortController();
  await finishContainer({ ...ctx, signal }, deps, bundle, status);
}

async function planContainer(
  ctx: Context,
  deps: RunDeps,
  options: RunOptions,
): Promise<Plan> {
  const { services } = deps;
  if (options.name !== undefined) await checkName(ctx, services, options.name);
  const { source } = options;
  const image = source.kind === "image"
    ? await ensureImage(ctx, services, source, deps.pull)
    : undefined;
  const config = image?.config.config ?? {};
  const id = deps.newId();
  const container: NewContainer = {
    id,
    labels: labelsOf(options, config),
    image: image?.name ?? "",
    runtime: { name: options.runtime ?? services.tasks.defaultRuntime },
    ...image === undefined
      ? {}
      : { snapshotter: services.defaultSnapshotter, snapshotKey: id },
  };
  return {
    id,
    config,
    container,
    snapshotter: image === undefined
      ? undefined
      : services.snapshotters.get(services.defaultSnapshotter),
    parent: image?.snapshot ?? "",
  };
}

/** @throws {EngineError} `alreadyExists` */
async function checkName(
  ctx: Context,
  services: Services,
  name: string,
): Promise<void> {
  checkIdentifier("container", name);
  const filter = `labels."${LABEL.containerName}"==${name}`;
  for await (const { id } of services.containers.list(ctx, [filter])) {
    throw new EngineError(
      "alreadyExists",
      `Conflict. The container name "/${name}" is already in use by ` +
        `container "${id}"`,
      { hint: `Remove that one (coracle rm ${name}), or use another name` },
    );
  }
}

function labelsOf(
  options: RunOptions,
  config: ContainerConfig,
): Readonly<Record<string, string>> {
  const stopSignal = options.stopSignal ?? config.StopSignal;
  const { stopTimeoutSeconds } = options;
  return {
    ...config.Labels,
    ...options.labels,
    ...options.name === undefined
      ? {}
      : { [LABEL.containerName]: options.name },
    ...stopSignal === undefined
      ? {}
      : { [CONTAINER_LABEL.stopSignal]: stopSignal },
    ...stopTimeoutSeconds === undefined
      ? {}
      : { [CONTAINER_LABEL.stopTimeout]: String(stopTimeoutSeconds) },
  };
}

function bundleRecord(
  ctx: Context,
  options: RunOptions,
  { id, container }: Plan,
): BundleRecord {
  return {
    id,
    namespace: ctx.namespace,
    runtime: container.runtime.name,
    snapshotter: container.snapshotter ?? "",
    snapshotKey: container.snapshotKey ?? "",
    removal: options.removal,
  };
}

/** @returns path of the root file system for the runtime */
async function mountRoot(
  ctx: Context,
  deps: RunDeps,
  { id, snapshotter, parent }: Plan,
  bundle: Bundle,
): Promise<string> {
  if (snapshotter === undefined) return "";
  const mounts = await snapshotter.prepare(ctx, id, parent);
  await deps.services.mounter.mount(ctx, mounts, bundle.rootfs);
  return bundle.rootfs;
}

async function writeSpec(
  ctx: Context,
  deps: RunDeps,
  options: RunOptions,
  { id, config }: Plan,
  bundle: Bundle,
  mounted: string,
): Promise<string> {
  const { host } = deps.services;
  const rootPath = options.source.kind === "rootfs"
    ? plainRoot(options.source.path, host)
    : mounted;
  using root = host.openRoot(rootPath);
  const hostname = hostnameOf(options, id, host);
  const volumesPath = `${deps.volumesPath}/${ctx.namespace}`;
  const volumes = await prepareMounts(
    options.mounts,
    Object.keys(config.Volumes ?? {}),
    {
      host,
      root,
      volumesPath,
      anonymousPath: anonymousVolumes(volumesPath, id),
    },
  );
  const request = specRequest({
    id,
    namespace: ctx.namespace,
    options,
    config,
    host,
    root,
    rootPath,
    hostname,
    mounts: [
      ...networkFiles(options, hostname, bundle, host),
      ...volumes,
    ],
  });
  const warning = limitsWarning(request.resources, host.facts());
  if (warning !== undefined) ctx.log.warn(warning);
  const spec = buildSpec(
    request,
    host.facts(),
    (message, fields) => ctx.log.debug(message, fields),
  );
  const text = serializeSpec(spec);
  bundle.write("config.json", text);
  return text;
}

function plainRoot(path: string, host: Host): string {
  if (host.exists(path)) return path;
  throw invalidArgument(`Cannot find root file system "${path}"`);
}

/** Who shares the host's network, and says so, goes by the host's name. */
function hostnameOf(options: RunOptions, id: string, host: Host): string {
  if (options.hostname !== undefined) return options.hostname;
  const sharesName = options.namespaces.uts === "host" ||
    (options.network.chosen && options.network.mode === "host");
  return sharesName ? host.facts().hostname : id.slice(0, 12);
}

/** For those who look at the container from outside. */
async function recordSpec(
  ctx: Context,
  deps: RunDeps,
  { id, container }: Plan,
  spec: string,
): Promise<void> {
  const value = new TextEncoder().encode(spec);
  try {
    await deps.services.containers.update(
      ctx,
      { ...container, id, spec: { typeUrl: SPEC_TYPE, value } },
      ["spec"],
    );
  } catch (error) {
    if (!hasCode(error, "notFound")) {
      ctx.log.warn("Cannot record the spec of a container", { id, error });
    }
  }
}
